-- Amends one unit: where its canonical result is now, and the pay that is revoked for what was wrong.
-- Each amendment is done once: it leaves a mark, so repeating it changes nothing. The place is empty when
-- it stays, payments are when there are none.
--
-- keys: amendments, revoked, outbox, outbox_number
-- args: name, unit, place, payments
-- returns: 1 amended, 0 that was done before

if redis.call('HSETNX', amendments, 'done ' .. name, '1') == 0 then return 0 end
if place ~= '' then
  redis.call('HSET', amendments, unit, place)
  redis.call('RPUSH', revoked, unit)
end
if payments ~= '' then
  redis.call('XADD', outbox, redis.call('INCR', outbox_number) .. '-0', 'payments', payments)
end
return 1
