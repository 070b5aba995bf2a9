-- Amends one unit: where its canonical result is now, and the pay that is revoked for what was wrong.
-- Each amendment is done once: it leaves a mark, so repeating it changes nothing. The place is empty when
-- it stays, payments are when there are none. A unit of a shard that is final stays what it is.
--
-- with: post-payments
-- keys: amendments, revoked, outbox, outbox_number, job
-- args: name, unit, place, payments, shard, outbox_read
-- returns: 1 amended, 0 that was done before, or the unit is final

if redis.call('EXISTS', job) == 0 then return 0 end
if tonumber(shard) < tonumber(redis.call('HGET', job, 'shardsFinal') or '0') then return 0 end
if redis.call('HSETNX', amendments, 'done ' .. name, '1') == 0 then return 0 end
if place ~= '' then
  redis.call('HSET', amendments, unit, place)
  redis.call('RPUSH', revoked, unit)
end
post_payments(outbox, outbox_number, outbox_read, payments)
return 1
