-- Opens a check shard: one that lists units which were split before. Repeating it is harmless: a shard
-- that has a journal was open already, and whether it still is the open set knows.
--
-- keys: job, open, journal
-- args: shard_id, units
-- returns: 'opened', 'stands' (it was opened before), 'over' (there is no such job, or it is cancelled or final)

local state, final_at = unpack(redis.call('HMGET', job, 'state', 'finalAt'))
if not state or state == 'cancelled' or final_at then return 'over' end
if redis.call('HEXISTS', open, shard_id) == 1 or redis.call('EXISTS', journal) == 1 then return 'stands' end
redis.call('HSET', open, shard_id, units)
return 'opened'
