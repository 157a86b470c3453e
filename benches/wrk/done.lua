-- What every run reports: one line of JSON, after the word "result". wrk's own report is for people and rounds its figures.
-- wrk loads this once for itself (setup, done) and once per thread (everything else); the two share nothing but get and set.

local threads = {}

function setup(thread)
  thread:set("thread_number", #threads)
  threads[#threads + 1] = thread
end

-- Scripts that care which status an answer had call `count` in their `response`. It is not done here for all: a `response`
-- makes wrk hand every header to Lua, which costs time that the servers under test should have.
local names = {}
for status = 100, 599 do
  names[status] = "status_" .. status
end

function count(status)
  local name = names[status] or "status_0"
  _G[name] = (_G[name] or 0) + 1
end

function done(summary, latency)
  local statuses = {}
  for status = 0, 599 do
    local times = 0
    for _, thread in ipairs(threads) do
      times = times + (thread:get("status_" .. status) or 0)
    end
    if times > 0 then
      statuses[#statuses + 1] = string.format('"%d":%d', status, times)
    end
  end
  local errors = summary.errors
  io.write(string.format(
    'result {"requests":%d,"seconds":%.6f,"bytes":%.0f,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,"mean_us":%.1f,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d},"statuses":{%s}}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max, latency.mean,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status, table.concat(statuses, ",")))
end
