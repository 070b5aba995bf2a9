-- A new host shows a code. Atomic, so that a code serves one host and wrong tries are all counted.
--
-- keys: link
-- args: code, host_key, host_name, now_ms, wrong_max
-- returns: 'redeemed', 'unknown', 'expired', 'locked', 'wrong' or 'used'. Repeated by the same host, 'redeemed'.

local known, expires_at, wrong, present = unpack(redis.call('HMGET', link, 'code', 'expiresAt', 'wrong', 'hostKey'))
if not known then return 'unknown' end
if tonumber(expires_at) <= tonumber(now_ms) then return 'expired' end
if tonumber(wrong) >= tonumber(wrong_max) then return 'locked' end
if known ~= code then
  redis.call('HINCRBY', link, 'wrong', 1)
  return 'wrong'
end
if present then return present == host_key and 'redeemed' or 'used' end
redis.call('HSET', link, 'hostKey', host_key, 'hostName', host_name)
return 'redeemed'
