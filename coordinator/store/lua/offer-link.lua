-- Writes down that a host offers to link others, under the code's first half. Atomic, so that no more
-- codes are open at once than may be, and none is given twice.
--
-- keys: link, links
-- args: name, code, now_ms, expires_at, keep_ms, links_max
-- returns: 'offered', 'taken' or 'too_many'

redis.call('ZREMRANGEBYSCORE', links, '-inf', now_ms)
if redis.call('EXISTS', link) == 1 then return 'taken' end
if redis.call('ZCARD', links) >= tonumber(links_max) then return 'too_many' end
redis.call('HSET', link, 'code', code, 'expiresAt', expires_at, 'wrong', 0)
redis.call('PEXPIRE', link, keep_ms)
redis.call('ZADD', links, expires_at, name)
return 'offered'
