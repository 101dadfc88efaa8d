-- Sends the requests of a file in turn. Each answer must be one of the references, and come for as many requests.
local function read(name)
  local file = io.open(os.getenv(name), "rb")
  local text = file:read("*a")
  file:close()
  return text
end

-- Each record is a line with its length, then so many bytes.
local function split(text)
  local records, start = {}, 1
  while start <= #text do
    local line = text:find("\n", start, true)
    local length = tonumber(text:sub(start, line - 1))
    table.insert(records, text:sub(line + 1, line + length))
    start = line + length + 1
  end
  return records
end

local requests, answers = split(read("REQUESTS")), split(read("ANSWERS"))
local status, media_type = tonumber(os.getenv("STATUS")), os.getenv("MEDIA_TYPE")
-- Where the pixels differ each time: bytes of an answer's start and end that do not.
local head, tail = tonumber(os.getenv("HEAD")), tonumber(os.getenv("TAIL"))
local connections = tonumber(os.getenv("CONNECTIONS"))
local threads = {}
sent, received, wrong = {}, {}, 0

local function fix(body)
  if head == 0 then return body end
  return body:sub(1, head) .. body:sub(-tail)
end

-- References that are the same have one place, the first one's.
local places, place_of = {}, {}
for i, answer in ipairs(answers) do
  local key = fix(answer)
  places[key] = places[key] or i
  place_of[i] = places[key]
  sent[i], received[i] = 0, 0
end

function setup(thread) table.insert(threads, thread) end

local turn = 0
function request()
  turn = turn % #requests + 1
  local place = place_of[turn]
  sent[place] = sent[place] + 1
  return requests[turn]
end

-- wrk counts statuses from 400 on by itself.
function response(code, headers, body)
  local place = places[fix(body)]
  if place then received[place] = received[place] + 1 end
  local kind = headers["content-type"] or headers["Content-Type"] or ""
  if code < 400 and (code ~= status or kind ~= media_type or not place) then wrong = wrong + 1 end
end

function done(summary)
  -- Each connection may wait for an answer as the time is up, and wrk makes one request to look at.
  local sum, missing = 0, -connections - 1
  for _, thread in ipairs(threads) do
    sum = sum + thread:get("wrong")
    local asked, came = thread:get("sent"), thread:get("received")
    for place, count in pairs(asked) do
      missing = missing + math.max(0, count - came[place])
      sum = sum + math.max(0, came[place] - count)
    end
  end
  if summary.errors.status > 0 then missing = 0 end
  io.write(string.format("Wrong answers: %d\n", sum + math.max(0, missing)))
end
