"""The child process: ``python -m llm_explorer.worker.child``, one JSON job a line in, JSON lines out. See client.py.

    in   {"id": 1, "kind": "devices"}
         {"id": 2, "kind": "measure", "model": {...}, "run": {...}, "budget_s": 10.0, "limit_bytes": 3000000000}
         {"id": 3, "kind": "lesson", "lesson": "autograd", "function": "worked_example", "inputs": {"w": 2.2}}
         {"id": 4, "kind": "pretrain", "plan": {...}, "folder": "/tmp/...", "resume": false}
         {"id": 5, "kind": "trace", "model": {...}, "run": {...}}
         {"id": 6, "kind": "calibrate", "key": {...}}
         {"id": 7, "kind": "refine", "model": {...}, "run": {...}, "budget_s": 5.0, "limit_bytes": 3000000000}
    out  {"event": "ready", "torch": "2.13.0+cpu"}                                     once, torch is imported
         {"id": 2, "event": "progress", "phase": "timing", "fraction": 0.3, "text": "Timed 12 steps"}
         {"id": 4, "event": "snapshot", "snapshot": {...}}                             about 30 times
         {"id": 2, "event": "result", "result": ...}                                   plain data, of each kind its own
         {"id": 3, "event": "failure", "status": "failed", "reason": "a sentence"}     instead of a result

After a failure of the status out_of_memory a process that stays has no memory left and is to be ended. The end of its
standard input ends it at once, in the midst of anything: whoever started it, and however that one died, nothing is
left behind.
"""
