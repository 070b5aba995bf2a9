-- Group commit: appends to the journals of some shards of one partition, with all that follows:
-- the jobs' counts, the closing of finished shards, and the payments in the outbox. A job of which all is
-- decided is complete when its accounts were checked (complete-job.lua).
--
-- The journal's length is its version. An append was decided upon a journal of `expected` bytes; if
-- the journal has another length, somebody appended meanwhile, and nothing of this append is
-- written. That one comparison makes repeats, races between coordinators and lost replies harmless:
-- a repeat finds the length changed and its own bytes in place.
--
-- Only a shard in the open set has a journal to append to. A closed one is never brought back.
-- All replies are decided before the first write, so an error in between writes nothing.
--
-- with: post-payments
-- keys: open, outbox, outbox_number, ...   then for each append: journal, job
-- args: now_ms, outbox_read, appends, ...   then for each: shard_id, job_id, expected, bytes, closes ('', 'split' or
--       'check', by what kind of shard it closes), canonical,
--       failed, fuel, credit_micro, payments ('' for none)
-- returns: for each append 'written', 'decided' (written, and all of the job is decided), 'closed', or the length

local carry_digits = 15
local keys_before, args_before, args_each = 3, 3, 10
local reply = {}

for i = 1, tonumber(appends) do
  local journal = KEYS[keys_before + 2 * i - 1]
  local at = args_before + args_each * (i - 1)
  local length = redis.call('STRLEN', journal)
  if redis.call('HEXISTS', open, ARGV[at + 1]) == 0 then
    reply[i] = 'closed'
  elseif length ~= tonumber(ARGV[at + 3]) then
    reply[i] = length
  else
    reply[i] = 'written'
  end
end

for i = 1, tonumber(appends) do
  if reply[i] == 'written' then
    local journal, job = KEYS[keys_before + 2 * i - 1], KEYS[keys_before + 2 * i]
    local at = args_before + args_each * (i - 1)
    local shard_id, job_id, bytes, closes = ARGV[at + 1], ARGV[at + 2], ARGV[at + 4], ARGV[at + 5]
    local canonical, failed, fuel, credit = ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9]
    local payments = ARGV[at + 10]

    redis.call('APPEND', journal, bytes)
    if canonical ~= '0' then
      redis.call('HINCRBY', job, 'canonical', canonical)
      redis.call('HINCRBY', job, 'creditMicro', credit)
      -- A job's fuel may pass 2^63, so it is kept as two numbers: high * 10^15 + low.
      -- The carry is cut off as text: as a Lua number the sum would lose its last digits.
      redis.call('HINCRBY', job, 'fuelLow', fuel)
      local low = redis.call('HGET', job, 'fuelLow')
      if #low > carry_digits then
        redis.call('HINCRBY', job, 'fuelHigh', string.sub(low, 1, -carry_digits - 1))
        -- Stored as a whole number, without the zeros it may start with.
        local rest = string.gsub(string.sub(low, -carry_digits), '^0+(%d)', '%1')
        redis.call('HSET', job, 'fuelLow', rest)
      end
    end
    if failed ~= '0' then redis.call('HINCRBY', job, 'failed', failed) end
    post_payments(outbox, outbox_number, outbox_read, payments)
    if closes ~= '' then redis.call('HDEL', open, shard_id) end
    -- The units of a check were counted when they were first decided.
    if closes == 'split' then
      local left = redis.call('HINCRBY', job, 'shardsOpen', -1)
      local cursor, units, state = unpack(redis.call('HMGET', job, 'cursor', 'units', 'state'))
      if left == 0 and cursor == units and state ~= 'cancelled' then
        redis.call('HSET', job, 'decidedAt', now_ms)
        reply[i] = 'decided'
      end
    end
  end
end
return reply
