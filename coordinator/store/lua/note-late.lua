-- Notes results that came when their units were decided, for when those are final. The first of an account for a
-- unit stands, so repeating it changes nothing; of a shard that is final nothing is noted any more.
--
-- keys: late, job
-- args: results, ...   then for each: shard, name, result
-- returns: how many are new

local state, final_at, shards = unpack(redis.call('HMGET', job, 'state', 'finalAt', 'shardsFinal'))
if not state or state == 'cancelled' or final_at then return 0 end
local noted = 0
for i = 0, tonumber(results) - 1 do
  local shard, name, result = ARGV[2 + 3 * i], ARGV[3 + 3 * i], ARGV[4 + 3 * i]
  if tonumber(shard) >= tonumber(shards or '0') then
    noted = noted + redis.call('HSETNX', late, name, result)
  end
end
return noted
