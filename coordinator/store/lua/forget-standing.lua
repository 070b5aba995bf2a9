-- Takes one row away from the standings of a kind.
--
-- keys: earned, total, recent, units
-- args: id
-- returns: nothing

redis.call('HDEL', earned, id)
redis.call('ZREM', total, id)
redis.call('ZREM', recent, id)
redis.call('HDEL', units, id)
