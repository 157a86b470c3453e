-- Pages that nobody asked for before: twenty volumes by their numbers, as they are and in brotli. They fill the server's cache.
-- BENCH_VOLUMES is how many volumes there are, BENCH_FROM the first page of this run, BENCH_THREADS how many threads share the work.
dofile("done.lua")

local PAGE = 20
local volumes, threads = tonumber(os.getenv("BENCH_VOLUMES")), tonumber(os.getenv("BENCH_THREADS"))
local at, packed = nil, false

function request()
  at = at or tonumber(os.getenv("BENCH_FROM")) + thread_number
  local first = at % (volumes - PAGE + 1) + 1
  local question = {}
  for number = first, first + PAGE - 1 do
    question[#question + 1] = "number=" .. number
  end
  local headers = { ["Host"] = wrk.headers["Host"], ["Accept-Encoding"] = packed and "br" or "identity" }
  if packed then
    at = at + threads
  end
  packed = not packed
  return wrk.format("GET", "/v1/volumes?" .. table.concat(question, "&"), headers)
end
