;; A JavaScript kernel's own part: what stands between WASI and the QuickJS reactor that it is merged
;; with into one module. `_start` gives the script what it may see as globals, evaluates it, lets its
;; promises settle, and writes what it printed:
;;
;;   arguments, environment, stdin ─► prelude ─► script ─► jobs ─► stdout, stderr, exit code
;;
;; It shares the engine's memory, so its texts are passive data, copied to where malloc says. Nothing
;; is freed: the run ends soon, and its memory with it. build-javascript.mjs puts the texts in.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (import "quickjs" "memory" (memory 1))
  (import "quickjs" "_initialize" (func $initialize))
  (import "quickjs" "malloc" (func $malloc (param i32) (result i32)))
  (import "quickjs" "realloc" (func $realloc (param i32 i32) (result i32)))
  (import "quickjs" "qjs_init" (func $init (result i32)))
  (import "quickjs" "qjs_set_max_stack_size" (func $set_stack (param i32)))
  (import "quickjs" "qjs_eval" (func $eval (param i32 i32 i32 i32) (result i32)))
  (import "quickjs" "qjs_get_global" (func $global (result i32)))
  (import "quickjs" "qjs_new_string" (func $new_string (param i32 i32) (result i32)))
  (import "quickjs" "qjs_set_prop_string" (func $set (param i32 i32 i32) (result i32)))
  (import "quickjs" "qjs_get_string_len" (func $string (param i32 i32) (result i32)))
  (import "quickjs" "qjs_is_exception" (func $is_exception (param i32) (result i32)))
  (import "quickjs" "qjs_get_exception" (func $exception (result i32)))
  (import "quickjs" "qjs_is_job_pending" (func $is_job_pending (result i32)))
  (import "quickjs" "qjs_execute_pending_job" (func $execute_job (result i32)))

  (data $prelude "{prelude}")
  (data $script "{script}")
  ;; Names with their final zero, each beginning where $place says.
  (data $names "args\00env\00stdin\00error\00kernel.js\00kernelStdout()\00kernelStderr()\00")

  ;; What the engine asks of its host: the zone is UTC, nothing interrupts, there are no modules.
  (func (export "host_get_timezone_offset") (param i32 i32) (result i32) (i32.const 0))
  (func (export "host_interrupt") (result i32) (i32.const 0))
  (func (export "host_promise_rejection") (param i32 i32 i32))
  (func (export "host_module_normalize") (param i32 i32) (result i32) (i32.const 0))
  (func (export "host_module_load") (param i32 i32) (result i32) (i32.const 0))
  (func (export "host_call") (param i32 i32 i32 i32 i32) (result i32) (i32.const 0))

  ;; Where the names lie, and room for the results of calls.
  (global $names (mut i32) (i32.const 0))
  (global $cell (mut i32) (i32.const 0))
  (global $failed (mut i32) (i32.const 0))

  (func (export "_start")
    (local $at i32)
    (call $initialize)
    (drop (call $init))
    (call $set_stack (i32.const {stackBytes}))
    (global.set $cell (call $malloc (i32.const 16)))
    (global.set $names (call $malloc (i32.const {namesBytes})))
    (memory.init $names (global.get $names) (i32.const 0) (i32.const {namesBytes}))

    (drop (call $args_sizes_get (global.get $cell) (i32.add (global.get $cell) (i32.const 4))))
    (local.set $at (call $room_for_list))
    (drop (call $args_get (call $malloc (call $list_bytes)) (local.get $at)))
    (call $define (i32.const 0) (local.get $at) (i32.load offset=4 (global.get $cell)))

    (drop (call $environ_sizes_get (global.get $cell) (i32.add (global.get $cell) (i32.const 4))))
    (local.set $at (call $room_for_list))
    (drop (call $environ_get (call $malloc (call $list_bytes)) (local.get $at)))
    (call $define (i32.const 5) (local.get $at) (i32.load offset=4 (global.get $cell)))

    (call $define (i32.const 9) (call $read_stdin) (i32.load offset=12 (global.get $cell)))

    (local.set $at (call $malloc (i32.const {preludeBytes})))
    (memory.init $prelude (local.get $at) (i32.const 0) (i32.const {preludeBytes}))
    (call $run (local.get $at) (i32.const {preludeLength}))
    (local.set $at (call $malloc (i32.const {scriptBytes})))
    (memory.init $script (local.get $at) (i32.const 0) (i32.const {scriptBytes}))
    (call $run (local.get $at) (i32.const {scriptLength}))
    (call $run_jobs)

    (call $write (i32.const 1) (i32.const 31) (i32.const 14))
    (call $write (i32.const 2) (i32.const 46) (i32.const 14))
    (if (global.get $failed) (then (call $proc_exit (i32.const 1)))))

  ;; How long the list of pointers and the list's text are, as the sizes call just told; never nothing.
  (func $list_bytes (result i32)
    (i32.add (i32.const 4) (i32.shl (i32.load (global.get $cell)) (i32.const 2))))
  (func $room_for_list (result i32)
    (call $malloc (i32.add (i32.const 1) (i32.load offset=4 (global.get $cell)))))

  ;; A global of that name (an offset into the names) that holds this text.
  (func $define (param $name i32) (param $at i32) (param $bytes i32)
    (drop (call $set (call $global)
      (i32.add (global.get $names) (local.get $name))
      (call $new_string (local.get $at) (local.get $bytes)))))

  ;; All of stdin; its length is left in the fourth cell.
  (func $read_stdin (result i32)
    (local $buffer i32) (local $bytes i32) (local $room i32)
    (local.set $room (i32.const 65536))
    (local.set $buffer (call $malloc (local.get $room)))
    (loop $more
      (if (i32.eq (local.get $bytes) (local.get $room)) (then
        (local.set $room (i32.shl (local.get $room) (i32.const 1)))
        (local.set $buffer (call $realloc (local.get $buffer) (local.get $room)))
        (if (i32.eqz (local.get $buffer)) (then unreachable))))
      (i32.store (global.get $cell) (i32.add (local.get $buffer) (local.get $bytes)))
      (i32.store offset=4 (global.get $cell) (i32.sub (local.get $room) (local.get $bytes)))
      (i32.store offset=8 (global.get $cell) (i32.const 0))
      (drop (call $fd_read (i32.const 0) (global.get $cell) (i32.const 1)
        (i32.add (global.get $cell) (i32.const 8))))
      (local.set $bytes (i32.add (local.get $bytes) (i32.load offset=8 (global.get $cell))))
      (br_if $more (i32.load offset=8 (global.get $cell))))
    (i32.store offset=12 (global.get $cell) (local.get $bytes))
    (local.get $buffer))

  ;; Evaluates a zero-terminated text.
  (func $run (param $at i32) (param $length i32)
    (if (call $is_exception (call $eval (local.get $at) (local.get $length)
          (i32.add (global.get $names) (i32.const 21)) (i32.const 0)))
      (then (call $fail))))

  (func $run_jobs
    (loop $more
      (if (call $is_job_pending) (then
        (if (i32.lt_s (call $execute_job) (i32.const 0)) (then (call $fail)))
        (br $more)))))

  ;; Keeps the exception as the global `error`, for the prelude to tell on stderr.
  (func $fail
    (global.set $failed (i32.const 1))
    (drop (call $set (call $global) (i32.add (global.get $names) (i32.const 15)) (call $exception))))

  ;; Writes what the expression of that name gives.
  (func $write (param $fd i32) (param $expression i32) (param $length i32)
    (local $at i32) (local $left i32)
    (local.set $at (call $string
      (call $eval (i32.add (global.get $names) (local.get $expression)) (local.get $length)
        (i32.add (global.get $names) (i32.const 21)) (i32.const 0))
      (i32.add (global.get $cell) (i32.const 12))))
    (local.set $left (i32.load offset=12 (global.get $cell)))
    (if (i32.eqz (local.get $at)) (then unreachable))
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $left)))
        (i32.store (global.get $cell) (local.get $at))
        (i32.store offset=4 (global.get $cell) (local.get $left))
        (br_if $done (call $fd_write (local.get $fd) (global.get $cell) (i32.const 1)
          (i32.add (global.get $cell) (i32.const 8))))
        (local.set $at (i32.add (local.get $at) (i32.load offset=8 (global.get $cell))))
        (local.set $left (i32.sub (local.get $left) (i32.load offset=8 (global.get $cell))))
        (br $more)))))
