-- Late results of what is final: they go, and those that were right are paid, in one step. Should one of them be
-- gone, somebody else has settled it, and nothing happens. `shards` is how many first shards of the job have none any
-- more, which only grows.
--
-- with: post-payments
-- keys: job, late, outbox, outbox_number
-- args: shards, payments, outbox_read, gone, ...   then the names of the late results that go
-- returns: 1 settled, 0 one is gone already, or there is no such job

local state, settled = unpack(redis.call('HMGET', job, 'state', 'shardsSettled'))
if not state then return 0 end
for i = 1, tonumber(gone) do
  if redis.call('HEXISTS', late, ARGV[4 + i]) == 0 then return 0 end
end
for i = 1, tonumber(gone) do redis.call('HDEL', late, ARGV[4 + i]) end
post_payments(outbox, outbox_number, outbox_read, payments)
if tonumber(shards) > tonumber(settled or '0') then redis.call('HSET', job, 'shardsSettled', shards) end
return 1
