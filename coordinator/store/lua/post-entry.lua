-- Adds one entry to the ledger, with all that follows from it: balances, pending credit, standings and
-- the outbox's watermark. It was decided upon the entry before it; if another one came first, nothing
-- is written. Amounts are added by HINCRBY, in 64 bits; as Lua numbers they would lose digits beyond
-- 2^53, which only the order of the standings may. Whatever could refuse the entry is looked at before
-- the first write.
--
-- keys: head, balances, entries, watermarks, pending_days, escrows, allowed, minted, owed, ...   then for each day of pending credit: pending;
--       then for each (kind, day) of standings: earned, total, recent, units, day_of
-- args: expected, number, at, hash, line, source, last, allowed_id, day, minted_micro, postings, pending_groups, standing_groups, debtors, ...
--       then for each posting: account, micro, may_be_negative
--       then for each debtor: account_id, micro
--       then for each day of pending credit: day, changes, and for each change: bucket, micro
--       then for each (kind, day): weight, keep_seconds, changes, and for each change: id, micro, units, recent_micro
-- returns: 'posted', 'stale', or the account that has not got that much

if (redis.call('HGET', head, 'number') or '0') ~= expected then return 'stale' end

-- Whether a balance of zero or more is below an amount; both as decimal text, for all 64 bits.
local function is_below(balance, amount)
  if #balance ~= #amount then return #balance < #amount end
  return balance < amount
end

local at_posting = 15
for i = 0, tonumber(postings) - 1 do
  local account, micro, may = ARGV[at_posting + 3 * i], ARGV[at_posting + 3 * i + 1], ARGV[at_posting + 3 * i + 2]
  if may == '0' and string.sub(micro, 1, 1) == '-' then
    if is_below(redis.call('HGET', balances, account) or '0', string.sub(micro, 2)) then return account end
  end
end

for i = 0, tonumber(postings) - 1 do
  local account, micro = ARGV[at_posting + 3 * i], ARGV[at_posting + 3 * i + 1]
  local is_empty = redis.call('HINCRBY', balances, account, micro) == 0
  if is_empty then redis.call('HDEL', balances, account) end
  if string.sub(account, 1, 7) == 'escrow:' then
    redis.call(is_empty and 'SREM' or 'SADD', escrows, string.sub(account, 8))
  end
end
if allowed_id ~= '' then redis.call('SADD', allowed, allowed_id) end
if minted_micro ~= '0' then redis.call('HINCRBY', minted, day, minted_micro) end
redis.call('HSET', head, 'number', number, 'hash', hash, 'at', at)
redis.call('XADD', entries, number .. '-0', 'line', line)
if source ~= '' then redis.call('HSET', watermarks, source, last) end

local arg = at_posting + 3 * tonumber(postings)
for _ = 1, tonumber(debtors) do
  if redis.call('HINCRBY', owed, ARGV[arg], ARGV[arg + 1]) == 0 then redis.call('HDEL', owed, ARGV[arg]) end
  arg = arg + 2
end
local key = 10
for _ = 1, tonumber(pending_groups) do
  local of_day, changes, pending = ARGV[arg], tonumber(ARGV[arg + 1]), KEYS[key]
  for i = 0, changes - 1 do
    local bucket = ARGV[arg + 2 + 2 * i]
    if redis.call('HINCRBY', pending, bucket, ARGV[arg + 3 + 2 * i]) == 0 then redis.call('HDEL', pending, bucket) end
  end
  if redis.call('EXISTS', pending) == 1 then redis.call('ZADD', pending_days, of_day, of_day)
  else redis.call('ZREM', pending_days, of_day) end
  arg, key = arg + 2 + 2 * changes, key + 1
end

-- domain/standing.ts tells what `recent` holds: the logarithm of a sum, so that it never overflows.
local log2, rounding = math.log(2), 1e-9
local function add_recent(recent, id, micro, weight)
  if micro == 0 then return end
  local added = math.log(math.abs(micro)) / log2 + weight
  local before = tonumber(redis.call('ZSCORE', recent, id) or nil)
  if not before then
    if micro > 0 then redis.call('ZADD', recent, string.format('%.17g', added), id) end
    return
  end
  local top = math.max(before, added)
  local sum = 2 ^ (before - top) + (micro > 0 and 1 or -1) * 2 ^ (added - top)
  if sum <= rounding then redis.call('ZREM', recent, id)
  else redis.call('ZADD', recent, string.format('%.17g', top + math.log(sum) / log2), id) end
end

for _ = 1, tonumber(standing_groups) do
  local weight, keep_seconds, changes = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  local earned, total, recent, units, day_of = unpack(KEYS, key, key + 4)
  for i = 0, changes - 1 do
    local id, micro, count, recent_micro = unpack(ARGV, arg + 3 + 4 * i, arg + 6 + 4 * i)
    local sum = redis.call('HINCRBY', earned, id, micro)
    if redis.call('HINCRBY', units, id, count) == 0 then
      redis.call('HDEL', units, id)
      redis.call('HDEL', earned, id)
      redis.call('ZREM', total, id)
      redis.call('ZREM', recent, id)
    else
      redis.call('ZADD', total, string.format('%.17g', sum), id)
      add_recent(recent, id, tonumber(recent_micro), weight)
    end
    if keep_seconds > 0 then redis.call('HINCRBY', day_of, id, micro) end
  end
  if keep_seconds > 0 then redis.call('EXPIRE', day_of, keep_seconds) end
  arg, key = arg + 3 + 4 * changes, key + 5
end
return 'posted'
