-- Payments go into the outbox under its next number; '' is none.
--
-- A failover may have lost the last records of the outbox after they were read. Nobody looks at their numbers again, so
-- numbers go on behind `outbox_read`, up to which they were.
local function post_payments(outbox, outbox_number, outbox_read, payments)
  if payments == '' then return end
  local number = redis.call('INCR', outbox_number)
  if number <= tonumber(outbox_read) then
    number = outbox_read + 1
    redis.call('SET', outbox_number, number)
  end
  redis.call('XADD', outbox, number .. '-0', 'payments', payments)
end
