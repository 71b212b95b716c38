"""Federated growth of boosted trees: Wardround beside XGBoost's own federated mode, in turn on one machine.

    scripts/bench trees-federated [--tables 100000x30,1000000x50] [--sites 4] [--trees 10,100]

Both grow trees of depth 6 on 255 bins over processes on loopback with TLS. Wardround's sites send masked
integers that only open as sums, XGBoost's send histograms in clear. Each is run with the two numbers of
trees; the difference is what the trees between cost, free of start-up, reading and binning. Wall time, and
processor time over all processes of the run: of Wardround while it fits, without the explanations and the
report that follow.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time

os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["GOMP_SPINCOUNT"] = "0"

import numpy as np  # noqa: E402

DEPTH = 6
STUDY = """study: federated-speed
title: Speed of federated trees
task:
  {{user: a, decision: a, action: a, harm_of_false_positive: a, harm_of_false_negative: a,
    responsible_role: a}}
outcome: {{column: y, positive: [1], name: the outcome}}
features:
{features}
holdout: {{column: part, value: holdout}}
models:
  - {{name: trees, learner: boosted_trees, trees: {trees}, maximum_depth: {depth}, row_share: 0.9,
     feature_share: 1, early_stopping: 0, minimum_child_weight: 2.5, bins: 254}}
deadlines: {{round_seconds: 60, answer_seconds: 600, presence_seconds: 120}}
"""


def rows(count, features, seed=1):
    """Normal features of two decimals and an outcome that depends on some of them."""
    random = np.random.default_rng(seed)
    x = np.round(random.standard_normal((count, features)), 2).astype(np.float32)
    margin = -1.5 + x[:, ::3] @ (0.6 / (1 + np.arange(len(x[0, ::3])) / 2)) + 0.4 * x[:, 1] * x[:, 2]
    return x, (random.random(count) < 1 / (1 + np.exp(-margin))).astype(np.float32)


def write_sites(x, y, sites, folder):
    os.makedirs(folder)
    names = ",".join(f"x{j}" for j in range(x.shape[1]))
    for site in range(sites):
        part = np.arange(site, len(x), sites)
        with open(f"{folder}/site-{site}.csv", "w") as file:
            file.write(f"y,part,{names}\n")
            # A study needs a holdout: the last hundredth of a site's rows.
            last = len(part) - max(200, len(part) // 100)
            for number, row in enumerate(part):
                values = ",".join(f"{v:.2f}" for v in x[row])
                where = "holdout" if number >= last else "training"
                file.write(f"{int(y[row])},{where},{values}\n")


def study(features, trees):
    lines = "\n".join(
        f"  - {{name: x{j}, type: number, range: [-7, 7], resolution: 0.01}}" for j in range(features))
    return STUDY.format(features=lines, trees=trees, depth=DEPTH)


def processor_seconds(root):
    """Of a process and all its descendants that are running now."""
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children") as file:
                    waiting += [int(child) for child in file.read().split()]
            with open(f"/proc/{process}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def ours(program, data, features, trees, folder):
    path = f"{folder}/study-{trees}.yaml"
    with open(path, "w") as file:
        file.write(study(features, trees))
    with open(f"{folder}/outcome.json", "w") as output:
        run = subprocess.Popen(
            [program, "demo", "--study", path, "--data", data, "--output", f"{folder}/run", "--json"],
            stdout=output, stderr=subprocess.PIPE, text=True)
    # The first line of each stage, on standard error, says when it begins.
    marks, lines = {}, []
    for line in run.stderr:
        lines.append(line)
        stage = line.split(":")[0]
        if stage in ("fit", "explain") and stage not in marks:
            marks[stage] = (time.monotonic(), processor_seconds(run.pid))
    if run.wait() or len(marks) < 2:
        sys.exit(f"error: the study ended with status {run.returncode}\n{''.join(lines)[-2000:]}")
    with open(f"{folder}/outcome.json") as file:
        text = file.read()
    with open(json.loads(text[text.index("{"):])["reportJSON"]) as file:
        fitted = json.load(file)["result"]["models"][0]["trees"]
    wall, cpu = (marks["explain"][k] - marks["fit"][k] for k in (0, 1))
    return wall, cpu, fitted


def worker(port, world, rank, folder, data, trees, queue):
    import xgboost

    secure = dict(
        federated_server_cert_path=f"{folder}/server-cert.pem",
        federated_client_key_path=f"{folder}/client-key.pem",
        federated_client_cert_path=f"{folder}/client-cert.pem")
    with xgboost.collective.CommunicatorContext(
            dmlc_communicator="federated", federated_server_address=f"localhost:{port}",
            federated_world_size=world, federated_rank=rank, **secure):
        x, y = np.load(f"{data}/x{rank}.npy"), np.load(f"{data}/y{rank}.npy")
        table = xgboost.QuantileDMatrix(x, y, max_bin=255, nthread=1)
        start = time.monotonic()
        xgboost.train(
            dict(objective="binary:logistic", tree_method="hist", max_depth=DEPTH, subsample=0.9, eta=0.1,
                 max_bin=255, min_child_weight=2.5, nthread=1), table, trees)
        queue.put(time.monotonic() - start)


def server(port, world, folder):
    import xgboost.federated

    xgboost.federated.run_federated_server(
        world, port, server_key_path=f"{folder}/server-key.pem",
        server_cert_path=f"{folder}/server-cert.pem", client_cert_path=f"{folder}/client-cert.pem")


def theirs(data, sites, trees, folder, port):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    serving = context.Process(target=server, args=(port, sites, folder))
    serving.start()
    time.sleep(3)
    workers = [
        context.Process(target=worker, args=(port, sites, rank, folder, data, trees, queue))
        for rank in range(sites)
    ]
    for process in workers:
        process.start()
    seconds = [queue.get(timeout=1500) for _ in workers]
    for process in workers:
        process.join()
    serving.terminate()
    serving.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(seconds), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--tables", default="100000x30,1000000x50")
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--trees", default="10,100")
    parser.add_argument("--port", type=int, default=19_091)
    arguments = parser.parse_args()
    few, many = (int(n) for n in arguments.trees.split(","))
    print("| rows | features | learner | wall/tree | processor time/tree | rounds/tree | bytes/tree and site |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for text in arguments.tables.split(","):
        count, features = (int(n) for n in text.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            for part in ("server", "client"):
                subprocess.run(
                    f"openssl req -x509 -newkey rsa:2048 -days 2 -nodes -keyout {folder}/{part}-key.pem"
                    f" -out {folder}/{part}-cert.pem -subj /C=US/CN=localhost".split(),
                    check=True, capture_output=True)
            x, y = rows(count, features)
            write_sites(x, y, arguments.sites, f"{folder}/sites")
            for site in range(arguments.sites):
                np.save(f"{folder}/x{site}.npy", x[site::arguments.sites])
                np.save(f"{folder}/y{site}.npy", y[site::arguments.sites])
            results = {}
            for number, trees in enumerate((few, many)):
                results["ours", trees] = ours(
                    arguments.program, f"{folder}/sites", features, trees, folder)
                results["theirs", trees] = theirs(
                    folder, arguments.sites, trees, folder, arguments.port + number)
            for who, name in (("ours", "Wardround, masked sums"), ("theirs", "XGBoost, in clear")):
                wall, cpu = (
                    (results[who, many][k] - results[who, few][k]) / (many - few) for k in (0, 1))
                cost = ""
                if who == "ours":
                    fitted = results[who, many][2]
                    grown = max(fitted["grownCount"], 1)
                    cost = f"{fitted['roundCount'] / grown:.1f} | {8 * fitted['valueCount'] // grown}"
                else:
                    cost = " | "
                print(
                    f"| {count} | {features} | {name} | {1000 * wall:.0f} ms | {1000 * cpu:.0f} ms |"
                    f" {cost} |", flush=True)


if __name__ == "__main__":
    main()
