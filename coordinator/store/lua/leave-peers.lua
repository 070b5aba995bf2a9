-- A coordinator that shares the grid comes no more, and another one may be steward at once.
--
-- keys: peers, facts, steward
-- args: coordinator_id
-- returns: 1

redis.call('ZREM', peers, coordinator_id)
redis.call('HDEL', facts, coordinator_id)
if redis.call('GET', steward) == coordinator_id then redis.call('DEL', steward) end
return 1
