-- Nineteen reads and one download request, over and over: lists, volumes and answers that the client has already (BENCH_ETAG, of the list).
dofile("post.lua")

local turn, reads = 0, {}

function init()
  post_init()
  local list = wrk.format("GET", "/v1/volumes")
  local volume = wrk.format("GET", "/v1/volumes/mobility")
  local known = wrk.format("GET", "/v1/volumes", { ["Host"] = wrk.headers["Host"], ["If-None-Match"] = os.getenv("BENCH_ETAG") })
  reads = { list, volume, known }
end

function request()
  turn = turn + 1
  -- Threads begin at different places, so that their writes do not march in step.
  if (turn + thread_number * 10) % 20 == 0 then
    return post_request()
  end
  return reads[turn % 3 + 1]
end
