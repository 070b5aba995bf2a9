-- Opens a check shard: one that lists units which were split before. Repeating it is harmless: a shard
-- that has a journal, here or in the archive, was open already, and whether it still is the open set knows. What is
-- final is checked no more: then whoever came late with it can be paid, and nobody is about to be paid for a check of
-- it. `first_shard` is the least of the split shards that its units are of.
--
-- keys: job, open, journal, archived
-- args: shard_id, number, shards_per_group, units, first_shard
-- returns: 'opened', 'stands' (it was opened before), 'final' (some of it is), 'over' (there is no such job, or it is
--          cancelled, or all of it is final)

local state, final_at, final, splits, checks =
  unpack(redis.call('HMGET', job, 'state', 'finalAt', 'shardsFinal', 'splits', 'checks'))
if not state or state == 'cancelled' or final_at then return 'over' end
if redis.call('HEXISTS', open, shard_id) == 1 or redis.call('EXISTS', journal) == 1 then return 'stands' end
local nth = number - splits
if redis.call('GETBIT', archived, 2 * math.floor(nth / shards_per_group) + 1) == 1 then return 'stands' end
if tonumber(first_shard) < tonumber(final or '0') then return 'final' end
redis.call('HSET', open, shard_id, units)
redis.call('HSET', job, 'checks', math.max(nth + 1, checks or 0))
return 'opened'
