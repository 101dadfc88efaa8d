-- The request, once for the whole run: wrk has no flag for a body. Each answer is held against the one expected.
if os.getenv("BODY") ~= "" then
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = os.getenv("BODY")
end

local file = io.open(os.getenv("EXPECTED"), "rb")
local expected = file:read("*a")
file:close()
local status = tonumber(os.getenv("STATUS"))
-- What differs from answer to answer, such as a request's id.
local volatile = os.getenv("VOLATILE")
if volatile == "" then volatile = nil end
local threads = {}
wrong = 0

local function clean(body)
  if not volatile then return body end
  return (body:gsub(volatile, ""))
end
expected = clean(expected)

function setup(thread) table.insert(threads, thread) end

-- wrk counts statuses from 400 on by itself.
function response(code, _, body)
  if code < 400 and (code ~= status or clean(body) ~= expected) then wrong = wrong + 1 end
end

function done()
  local sum = 0
  for _, thread in ipairs(threads) do sum = sum + thread:get("wrong") end
  io.write(string.format("Wrong answers: %d\n", sum))
end
