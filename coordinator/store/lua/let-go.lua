-- Lets go of the journals of a group of shards that are in a file now. None may be open, and each has to be as long
-- as what was written: whatever came in between, the file would lack it. Repeating it changes nothing.
--
-- keys: job, open, archived, ...   then for each shard: journal
-- args: bit, ...   then for each shard: shard_id, length
-- returns: 1 they are in the archive, 0 not all of them are as they were, or there is no such job

if redis.call('EXISTS', job) == 0 then return 0 end
if redis.call('GETBIT', archived, bit) == 1 then return 1 end
local journals = {}
for i = 4, #KEYS do
  local shard_id, length = ARGV[2 * (i - 3)], ARGV[2 * (i - 3) + 1]
  if redis.call('HEXISTS', open, shard_id) == 1 then return 0 end
  if redis.call('STRLEN', KEYS[i]) ~= tonumber(length) then return 0 end
  journals[#journals + 1] = KEYS[i]
end
redis.call('SETBIT', archived, bit, 1)
redis.call('UNLINK', unpack(journals))
return 1
