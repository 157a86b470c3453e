-- Download requests, no two alike: each has its own number in the e-mail address and in the Idempotency-Key.
-- BENCH_BODY is the form, BENCH_RUN sixteen hexadecimal digits of this run; MARK stands where the number goes.
dofile("done.lua")

local MARK = "NNNNNNNNNNNN"
local parts, sent = {}, 0

-- Cuts text at every mark. The number is as long as the mark, so Content-Length stays right.
local function cut(text)
  local found, from = {}, 1
  while true do
    local first, last = text:find(MARK, from, true)
    found[#found + 1] = text:sub(from, first and first - 1)
    if not first then
      return found
    end
    from = last + 1
  end
end

function post_init()
  local headers = { ["Content-Type"] = "application/json", ["Idempotency-Key"] = os.getenv("BENCH_RUN") .. "-" .. MARK }
  for name, value in pairs(wrk.headers) do
    headers[name] = headers[name] or value
  end
  parts = cut(wrk.format("POST", "/v1/downloadRequests", headers, os.getenv("BENCH_BODY")))
end

function post_request()
  sent = sent + 1
  return table.concat(parts, string.format("%02d%010d", thread_number, sent))
end

init, request, response = post_init, post_request, count
