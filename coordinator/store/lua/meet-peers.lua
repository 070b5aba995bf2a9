-- A coordinator that shares the grid with others says that it is there, tells its news, and hears who else is there and
-- what they told. Whoever has not come for too long is dead; when nobody is steward, it may become it. One step, so
-- that two never become it at once. By the clock of this server, because those of the coordinators may differ.
--
-- keys: owner, peers, facts, steward, news
-- args: coordinator_id, for_ms, own_facts, after, may_lead, news_kept, heard_max, ...   then each piece of news
-- returns: 'owned' when one that shares with nobody runs the grid; else the steward, the facts of all by their ids, up
--          to where it has heard, and the news

local owned = redis.call('GET', owner)
if owned and owned ~= coordinator_id then return 'owned' end
redis.call('DEL', owner)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', peers, '-inf', now)) do
  redis.call('HDEL', facts, gone)
  redis.call('ZREM', peers, gone)
end
redis.call('ZADD', peers, now + for_ms, coordinator_id)
redis.call('HSET', facts, coordinator_id, own_facts)
for i = 8, #ARGV do redis.call('XADD', news, 'MAXLEN', '~', news_kept, '*', 'from', coordinator_id, 'news', ARGV[i]) end

local leads = redis.call('GET', steward) or ''
if leads == coordinator_id or (leads == '' and may_lead == '1') then
  leads = coordinator_id
  redis.call('SET', steward, leads, 'PX', for_ms)
end

local last, heard = after, {}
if after == '' then
  local newest = redis.call('XREVRANGE', news, '+', '-', 'COUNT', 1)
  last = newest[1] and newest[1][1] or '0-0'
else
  heard = redis.call('XRANGE', news, '(' .. after, '+', 'COUNT', heard_max)
  if #heard > 0 then last = heard[#heard][1] end
end
return {leads, redis.call('HGETALL', facts), last, heard}
