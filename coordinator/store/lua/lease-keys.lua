-- Makes the first lease key when there is none, and returns them all. Atomic, so that two
-- coordinators that start at once agree on the secret.
--
-- keys: lease_keys
-- args: key_id, secret
-- returns: the hash as a flat list: key id, secret, …; 'newest', key id

if redis.call('EXISTS', lease_keys) == 0 then
  redis.call('HSET', lease_keys, key_id, secret, 'newest', key_id)
end
return redis.call('HGETALL', lease_keys)
