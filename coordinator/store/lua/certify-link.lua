-- The first host has signed the new one's key: the certificate waits to be fetched. Atomic with the look
-- whether the offer is still there: written later, it would never go away again.
--
-- keys: link
-- args: account_key, certificate
-- returns: 1 done, 0 the offer is gone

if redis.call('HEXISTS', link, 'hostKey') == 0 then return 0 end
redis.call('HSET', link, 'accountKey', account_key, 'certificate', certificate)
return 1
