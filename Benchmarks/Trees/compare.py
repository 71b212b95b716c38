"""One run of XGBoost or LightGBM for scripts/bench trees: prints its figures as one JSON object.

Arguments: learner, file of float32 rows (features, then the outcome), features, training rows, threads,
trees, depth, row rate, file to write the test rows' predictions to (or -).
"""

import json
import os
import resource
import sys
import time

learner, path, features, rows, threads, trees, depth, row_rate, out = sys.argv[1:10]
features, rows, threads, trees, depth = map(int, (features, rows, threads, trees, depth))
row_rate = float(row_rate)
os.environ["OMP_NUM_THREADS"] = str(threads)
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["GOMP_SPINCOUNT"] = "0"

import numpy as np  # noqa: E402


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return 0


if learner == "xgboost":
    import xgboost
else:
    import lightgbm

data = np.fromfile(path, dtype=np.float32).reshape(-1, features + 1)
x, y = np.ascontiguousarray(data[:rows, :features]), np.ascontiguousarray(data[:rows, features])
test = np.ascontiguousarray(data[rows:, :features])
del data
before = memory("VmRSS:")
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")
start = processor_seconds()
if learner == "xgboost":
    settings = {
        "objective": "binary:logistic", "tree_method": "hist", "max_depth": depth, "eta": 0.1,
        "max_bin": 256, "nthread": threads, "lambda": 1.0, "min_child_weight": 1.0,
        "subsample": row_rate, "verbosity": 0,
    }
    table = xgboost.QuantileDMatrix(x, y, max_bin=256, nthread=threads)
    binning = processor_seconds() - start
    wall, start = time.perf_counter(), processor_seconds()
    model = xgboost.train(settings, table, trees)
else:
    settings = {
        "objective": "binary", "max_depth": depth, "num_leaves": 1 << depth, "learning_rate": 0.1,
        "max_bin": 255, "num_threads": threads, "lambda_l2": 1.0, "min_sum_hessian_in_leaf": 1.0,
        "min_data_in_leaf": 1, "verbose": -1, "bagging_fraction": row_rate,
        "bagging_freq": 1 if row_rate < 1 else 0, "force_col_wise": True,
        "use_quantized_grad": learner == "lightgbm-quantised",
    }
    table = lightgbm.Dataset(x, y, params=settings).construct()
    binning = processor_seconds() - start
    wall, start = time.perf_counter(), processor_seconds()
    model = lightgbm.train(settings, table, trees)
cpu, wall = processor_seconds() - start, time.perf_counter() - wall
peak = memory("VmHWM:") - before
if out != "-":
    if learner == "xgboost":
        predictions = model.inplace_predict(test)
    else:
        predictions = model.predict(test)
    predictions.astype(np.float32).tofile(out)
print(json.dumps({"cpu": cpu, "wall": wall, "binning": binning, "memory": peak}))
