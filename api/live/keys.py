"""Where live updates are in Redis, and the two scripts that read and write them.

One counter numbers all updates of all topics, in the order in which Redis took them. So a single
number says what a client has seen of every topic it follows. The counter is worth nothing once
Redis lost its data or came back with old data: `epoch` is another one then. All keys share a
hash tag, so that a Redis cluster keeps them on one node and scripts may touch them together.
"""

PREFIX = "codebattle:{live}:"
META = PREFIX + "meta"
CHANNEL = PREFIX + "updates"
STREAM = PREFIX + "stream:"
TICKET = PREFIX + "ticket:"
TICKETS_OF = PREFIX + "tickets-of:"

# A Redis that is there but says nothing is as good as none. Not the client's `socket_timeout`:
# with that, tasks that are cancelled while they send may go on.
ANSWER_S = 2.0
KEPT_MAX = 1000
KEPT_S = 300
KEPT_AFTER_END_S = 60

# KEYS: meta, then a stream for each update of a topic. ARGV: an epoch to use if there is none,
# entries to keep, channel, then for each stream its topic's name, the update, seconds to keep.
PUBLISH = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
local number = 0
for i = 2, #KEYS do
  local topic, update, kept_s = unpack(ARGV, 3 * i - 2, 3 * i)
  number = redis.call('HINCRBY', KEYS[1], 'number', 1)
  redis.call('XADD', KEYS[i], 'MAXLEN', '~', ARGV[2], number .. '-0', 'u', update)
  redis.call('EXPIRE', KEYS[i], kept_s)
  local head = topic .. '\\n' .. epoch .. '\\n' .. number .. '\\n'
  redis.call('PUBLISH', ARGV[3], head .. update)
end
return {epoch, number}
"""

# KEYS: meta, then one stream per topic. ARGV: a fresh epoch, the client's epoch and number.
# A stream that still holds something the client has seen lost nothing it has not seen, since
# streams lose their oldest entries first. A server that was restarted may have come back with
# old data, so its run id belongs to the epoch.
CATCH_UP = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local held = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'number')
local epoch, number = held[1], tonumber(held[3] or '0')
if not epoch or (held[2] and held[2] ~= run) then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
redis.call('HSET', KEYS[1], 'run', run)
local seen = 0
if ARGV[2] == epoch and tonumber(ARGV[3]) <= number then
  seen = tonumber(ARGV[3])
end
local topics = {}
for i = 2, #KEYS do
  local first = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
  local whole = 0
  if first and tonumber(string.match(first[1], '^%d+')) <= seen then
    whole = 1
  end
  topics[i - 1] = {whole, redis.call('XRANGE', KEYS[i], '(' .. seen .. '-0', '+')}
end
return {epoch, number, topics}
"""
