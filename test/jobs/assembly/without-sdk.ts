// What an AssemblyScript program may do that has never heard of the SDK.
console.log('hello ' + (Math.random() < 1.0 ? 'world' : 'nobody'));
console.error('to stderr');
assert(false, 'as told');
