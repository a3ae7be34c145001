#!/usr/bin/python3
"""Uses Debian's client of the RAPI against a server with a new cluster of two simulated nodes.

  python_client.py HOST PORT CA_FILE

Ends with status 0 when everything is as a user of the client expects; else with the failed assertion. Every method of the
client must be used here."""
import sys
import time

import pycurl
from ganeti.rapi import client as rapi

NODES = ["node1.example.com", "node2.example.com"]
used = set()


class Recorder:
    """The client, noting which of its methods are used."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        used.add(name)
        return getattr(self._client, name)


def connect(host, port, ca, **login):
    config = rapi.GenericCurlConfig(cafile=ca, verify_hostname=True, timeout=60)
    return Recorder(rapi.GanetiRapiClient(host, port=port, curl_config_fn=config, **login))


def equal(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"


def fails(code, call, *args, **kwargs):
    try:
        got = call(*args, **kwargs)
    except rapi.GanetiApiError as error:
        equal(error.code, code)
        return str(error)
    raise AssertionError(f"{call} gave {got!r} instead of an error {code}")


def done(c, job):
    """Waits for a job's success; its result."""
    assert isinstance(job, int), job
    assert c.WaitForJobCompletion(job, period=0.01, retries=2000), c.GetJobStatus(job)
    return c.GetJobStatus(job)["opresult"]


def cluster(c):
    equal(c.GetVersion(), 2)
    equal(c.GetFeatures(), [
        "instance-create-reqv1", "instance-reinstall-reqv1", "node-migrate-reqv1", "node-evac-res1"])
    info = c.GetInfo(reason="curious")
    equal(info["name"], "cluster.example.com")
    equal(info["software_version"], "3.1.0")
    equal(info["protocol_version"], 3010000)
    equal(info["master"], NODES[0])
    equal(c.GetOperatingSystems(), ["noop"])
    tags(c, c.GetClusterTags, c.AddClusterTags, c.DeleteClusterTags)


def tags(c, get, add, delete, *name):
    equal(get(*name), [])
    done(c, add(*name, ["b:2", "a/1"]))
    equal(sorted(get(*name)), ["a/1", "b:2"])
    done(c, add(*name, ["dry"], dry_run=True, reason="a trial"))
    done(c, delete(*name, ["b:2"], reason="tidying up"))
    equal(get(*name), ["a/1"])
    failed = delete(*name, ["never"])
    equal(c.WaitForJobCompletion(failed, period=0.01), False)
    equal(c.GetJobStatus(failed)["opresult"][0][0], "OpPrereqError")
    done(c, delete(*name, ["a/1"]))
    equal(get(*name), [])


def instances(c):
    name = "web1.example.com"
    make = dict(mode="create", name=name, disk_template="file", disks=[{"size": 16}], nics=[{"mac": "auto"}],
                os="noop", beparams={"memory": 64}, hypervisor="fake")
    equal(c.InstanceAllocation("create", name, "file", [{"size": 16}], [], os="noop")["name"], name)
    ((chosen,),) = done(c, c.CreateInstance(dry_run=True, **make))
    assert chosen in [c.GetNode(node)["uuid"] for node in NODES], chosen
    equal(c.GetInstances(), [])
    (result,) = done(c, c.CreateInstance(reason="a first one", **make))
    assert result[0] in NODES, result
    equal(c.GetInstances(), [name])
    (bulk,) = c.GetInstances(bulk=True)
    equal(c.GetInstance(name), bulk)
    equal((bulk["status"], bulk["oper_state"], bulk["pnode"]), ("running", True, result[0]))
    equal((bulk["disk.sizes"], bulk["beparams"]["memory"], bulk["os"]), ([16], 64, "noop"))

    (details,) = done(c, c.GetInstanceInfo(name))
    equal((details[name]["run_state"], details[name]["config_state"]), ("up", "up"))
    (details,) = done(c, c.GetInstanceInfo(name, static=True))
    equal(details[name]["run_state"], None)

    console = c.GetInstanceConsole(name)
    equal((console["instance"], console["kind"]), (name, "msg"))
    done(c, c.ShutdownInstance(name, dry_run=True))
    equal(c.GetInstance(name)["status"], "running")
    done(c, c.ShutdownInstance(name, reason="maintenance", timeout=5))
    equal(c.GetInstance(name)["status"], "ADMIN_down")
    fails(503, c.GetInstanceConsole, name)
    done(c, c.StartupInstance(name, no_remember=True))
    equal(c.GetInstance(name)["status"], "ERROR_up")
    done(c, c.StartupInstance(name))
    equal(c.GetInstance(name)["status"], "running")
    for how in ("soft", "hard", "full"):
        done(c, c.RebootInstance(name, reboot_type=how, ignore_secondaries=False))
    equal(c.GetInstance(name)["status"], "running")
    tags(c, c.GetInstanceTags, c.AddInstanceTags, c.DeleteInstanceTags, name)

    again = c.CreateInstance(**make)
    equal(c.WaitForJobCompletion(again, period=0.01), False)
    equal(c.GetJobStatus(again)["opresult"][0][1][1], "already_exists")
    done(c, c.DeleteInstance(name, dry_run=True))
    done(c, c.DeleteInstance(name, shutdown_timeout=0))
    fails(404, c.GetInstance, name)
    equal(c.GetInstances(bulk=True), [])
    equal("400 " in fails(400, c.CreateInstance, "create", name, "file", [], [], colour="blue"), True)


def disks(c):
    name = "disks.example.com"
    make = dict(mode="create", name=name, disk_template="file", disks=[{"size": 16}], nics=[{}], os="noop")
    done(c, c.CreateInstance(start=False, **make))
    ((activated,),) = done(c, c.ActivateInstanceDisks(name, ignore_size=True))
    equal(activated[1], "disk/0")
    done(c, c.DeactivateInstanceDisks(name, reason="tidy"))
    done(c, c.GrowInstanceDisk(name, 0, 16, wait_for_sync=True))
    equal(c.GetInstance(name)["disk.sizes"], [32])
    job = c.RecreateInstanceDisks(name, disks=[0])
    equal(c.WaitForJobCompletion(job, period=0.01), False)
    equal(c.GetJobStatus(job)["opresult"][0][0], "OpExecError")
    for mode in ("replace_auto", "replace_on_secondary"):
        job = c.ReplaceInstanceDisks(name, disks=[0], mode=mode)
        equal(c.WaitForJobCompletion(job, period=0.01), False)
        equal(c.GetJobStatus(job)["opresult"][0][0], "OpPrereqError")
    (changes,) = done(c, c.ModifyInstance(name, beparams={"vcpus": 2}, nics=[("add", -1, {"link": "br7"})]))
    equal([change[0] for change in changes], ["nic.1", "be/vcpus"])
    equal(c.GetInstance(name)["nic.links"][1], "br7")
    equal(done(c, c.ReinstallInstance(name, os="noop", no_startup=True)), [None, None])
    equal(done(c, c.ReinstallInstance(name)), [None, None, None])
    equal(c.GetInstance(name)["status"], "running")
    done(c, c.ShutdownInstance(name))
    equal(done(c, c.RenameInstance(name, "other.example.com", name_check=False, ip_check=False)), ["other.example.com"])
    done(c, c.DeleteInstance("other.example.com"))


def exports(c):
    name = "kept.example.com"
    done(c, c.CreateInstance("create", name, "file", [{"size": 16}], [{}], os="noop", pnode=NODES[0], tags=["kept"]))
    mac = c.GetInstance(name)["nic.macs"]
    equal(done(c, c.PrepareExport(name, "local", reason="to be sure")), [None])
    (told,) = done(c, c.PrepareExport(name, "remote"))
    equal(sorted(told), ["handshake", "x509_ca", "x509_key_name"])
    equal(done(c, c.ExportInstance(name, "local", NODES[1], shutdown=True, remove_instance=True, compress="gzip",
                                   reason="rarely used")), [[True, [True]]])
    equal(c.GetInstances(), [])
    equal(c.Query("export", ["node", "export"])["data"], [[[0, NODES[0]], [2, None]], [[0, NODES[1]], [0, name]]])
    done(c, c.CreateInstance("import", name, None, [], [], os="noop", pnode=NODES[0], src_node=NODES[1]))
    again = c.GetInstance(name)
    equal((again["nic.macs"], again["disk.sizes"], again["tags"]), (mac, [16], ["kept"]))
    done(c, c.DeleteInstance(name))


def moves(c):
    name = "moving.example.com"
    done(c, c.CreateInstance("create", name, "diskless", [], [{}], os="noop", pnode=NODES[0]))
    done(c, c.MigrateInstance(name, mode="live", target_node=NODES[1]))
    equal(c.GetInstance(name)["pnode"], NODES[1])
    done(c, c.FailoverInstance(name, target_node=NODES[0], ignore_consistency=False))
    equal((c.GetInstance(name)["pnode"], c.GetInstance(name)["status"]), (NODES[0], "running"))
    ((result,),) = [done(c, c.MigrateNode(NODES[0], mode="live", target_node=NODES[1]))]
    for ok, job in result["jobs"]:
        done(c, job)
    equal(c.GetInstance(name)["pnode"], NODES[1])
    (result,) = done(c, c.EvacuateNode(NODES[1], iallocator="hail", mode="primary-only"))
    for ok, job in result["jobs"]:
        done(c, job)
    equal(c.GetInstance(name)["pnode"], NODES[0])
    done(c, c.DeleteInstance(name))
    wanted = [c.InstanceAllocation("create", f"many{index}.example.com", "diskless", [], [{}], os="noop")
              for index in range(2)]
    (result,) = done(c, c.InstancesMultiAlloc(wanted, iallocator="hail"))
    equal((len(result["allocatable"]), result["failed"]), (2, []))
    for ok, job in result["jobs"]:
        done(c, job)
    for name in c.GetInstances():
        done(c, c.DeleteInstance(name))


def networks(c):
    done(c, c.CreateNetwork("net1", "192.0.2.0/28", gateway="192.0.2.1", tags="office",
                            add_reserved_ips="192.0.2.9"))
    equal([network["name"] for network in c.GetNetworks(bulk=True)], c.GetNetworks())
    equal(c.GetNetwork("net1")["map"], "XX.......X.....X")
    done(c, c.DeleteNetworkTags("net1", ["office"]))
    tags(c, c.GetNetworkTags, c.AddNetworkTags, c.DeleteNetworkTags, "net1")
    done(c, c.ModifyNetwork("net1", add_reserved_ips=["192.0.2.3"]))
    done(c, c.ConnectNetwork("net1", "default", "bridged", "br0"))
    done(c, c.CreateInstance("create", "net.example.com", "diskless", [], [{"network": "net1", "ip": "pool"}],
                             os="noop"))
    equal(c.GetInstance("net.example.com")["nic.ips"], ["192.0.2.2"])
    done(c, c.DeleteInstance("net.example.com"))
    done(c, c.DisconnectNetwork("net1", "default"))
    done(c, c.DeleteNetwork("net1"))
    equal(c.GetNetworks(), [])


def filters(c):
    equal(c.GetFilters(), [])
    uuid = c.AddFilter(3, [["opcode", ["=", "OP_ID", "OP_GROUP_ADD"]]], "REJECT", [["me", "testing", 1]])
    equal((c.GetFilter(uuid)["priority"], c.GetFilter(uuid)["action"]), (3, "REJECT"))
    rejected = c.CreateGroup("never")
    equal(c.WaitForJobCompletion(rejected, period=0.01), False)
    equal(c.GetJobStatus(rejected)["status"], "canceled")
    c.ReplaceFilter(uuid, 1, [["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]], "PAUSE", [["me", "testing", 1]])
    done(c, c.CreateGroup("now"))
    done(c, c.DeleteGroup("now"))
    equal([found["uuid"] for found in c.GetFilters(bulk=True)], [uuid])
    c.DeleteFilter(uuid)
    fails(404, c.GetFilter, uuid)


def changes(c):
    done(c, c.ModifyCluster(candidate_pool_size=9))
    equal(c.GetInfo()["candidate_pool_size"], 9)
    done(c, c.RedistributeConfig(reason="why not"))
    done(c, c.CreateGroup("rack"))
    done(c, c.ModifyGroup("rack", alloc_policy="unallocable"))
    equal(c.GetGroup("rack")["alloc_policy"], "unallocable")
    equal(done(c, c.RenameGroup("rack", "rack2")), ["rack2"])
    done(c, c.AssignGroupNodes("rack2", [NODES[1]]))
    equal(c.GetGroup("rack2")["node_list"], [NODES[1]])
    done(c, c.AssignGroupNodes("default", [NODES[1]], force=True))
    done(c, c.DeleteGroup("rack2"))
    done(c, c.SetNodeRole(NODES[1], "drained", auto_promote=False))
    equal(c.GetNodeRole(NODES[1]), "drained")
    done(c, c.SetNodeRole(NODES[1], "master-candidate", force=True))
    done(c, c.ModifyNode(NODES[1], ndparams={"spindle_count": 3}))
    equal(c.GetNode(NODES[1])["ndparams"]["spindle_count"], 3)
    ((units,),) = [done(c, c.GetNodeStorageUnits(NODES[1], "file", "name,size"))]
    assert units, "a node has a folder for files"
    for job in (c.ModifyNodeStorageUnits(NODES[1], "file", "x", allocatable=True),
                c.RepairNodeStorageUnits(NODES[1], "file", "x")):
        equal(c.WaitForJobCompletion(job, period=0.01), False)
    done(c, c.PowercycleNode(NODES[1]))


def nodes(c):
    equal(c.GetNodes(), NODES)
    for node in c.GetNodes(bulk=True):
        assert node["mtotal"] > 0 and node["name"] in NODES, node
    node = c.GetNode(NODES[1])
    equal((node["name"], node["role"], node["pip"]), (NODES[1], "C", "198.51.100.12"))
    equal([c.GetNodeRole(name) for name in NODES], ["master", "master-candidate"])
    tags(c, c.GetNodeTags, c.AddNodeTags, c.DeleteNodeTags, NODES[1])
    fails(404, c.GetNode, "node9.example.com")


def groups(c):
    equal(c.GetGroups(), ["default"])
    done(c, c.CreateGroup("spare", alloc_policy="last_resort", dry_run=True))
    equal(c.GetGroups(), ["default"])
    done(c, c.CreateGroup("spare", alloc_policy="last_resort", reason="growth"))
    equal([group["name"] for group in c.GetGroups(bulk=True)], ["default", "spare"])
    equal(c.GetGroup("spare")["alloc_policy"], "last_resort")
    equal(c.GetGroup("default")["node_list"], NODES)
    tags(c, c.GetGroupTags, c.AddGroupTags, c.DeleteGroupTags, "spare")
    done(c, c.DeleteGroup("spare", dry_run=True))
    done(c, c.DeleteGroup("spare"))
    fails(404, c.GetGroup, "spare")


def jobs(c):
    group = c.CreateGroup("g1")
    fields = ["status", "opstatus"]
    info, serial = None, None
    while info is None or info[0] not in rapi.JOB_STATUS_FINALIZED:
        change = c.WaitForJobChange(group, fields, info, serial)
        assert change is not None, "the job stands still"
        info = change["job_info"]
    equal(info, ["success", ["success"]])
    assert group in c.GetJobs()
    (job,) = [job for job in c.GetJobs(bulk=True) if job["id"] == group]
    alone = c.GetJobStatus(group)
    equal({**job, "oplog": [[]], "opresult": [None]}, alone)
    equal(job["ops"][0]["OP_ID"], "OP_GROUP_ADD")
    equal(job["summary"], ["GROUP_ADD(g1)"])
    nanoseconds = job["ops"][0]["reason"][0][2]
    assert abs(nanoseconds - time.time_ns()) < 600e9 and isinstance(nanoseconds, int), nanoseconds
    cancelled, text = c.CancelJob(group)
    equal((cancelled, isinstance(text, str)), (False, True))
    fails(404, c.GetJobStatus, 999999)
    done(c, c.DeleteGroup("g1"))


def queries(c):
    answer = c.Query("node", ["name", "role", "pinst_cnt"], ["=", "name", NODES[0]])
    equal([field["name"] for field in answer["fields"]], ["name", "role", "pinst_cnt"])
    equal(answer["data"], [[[0, NODES[0]], [0, "M"], [0, 0]]])
    equal(len(c.Query("node", ["name"])["data"]), 2)
    equal(c.Query("instance", ["name"], ["|", ["=", "status", "running"], ["?", "oper_state"]])["data"], [])
    equal(c.QueryFields("group", ["name", "uuid"])["fields"][0]["name"], "name")
    assert len(c.QueryFields("instance")["fields"]) > 30
    fails(400, c.Query, "node", ["name"], ["no such operator", "name"])
    fails(400, c.QueryFields, "elephant")


def rights(host, port, ca):
    anonymous = connect(host, port, ca)
    equal(anonymous.GetVersion(), 2)
    equal(anonymous.GetNodes(), NODES)
    fails(401, anonymous.AddClusterTags, ["a"])
    fails(401, anonymous.Query, "node", ["name"])
    reader = connect(host, port, ca, username="reader", password="foo")
    equal(len(reader.Query("node", ["name"])["data"]), 2)
    fails(403, reader.AddClusterTags, ["a"])
    stranger = connect(host, port, ca, username="admin", password="guess")
    fails(401, stranger.GetVersion)
    distrustful = rapi.GanetiRapiClient(host, port=port, curl_config_fn=rapi.GenericCurlConfig(
        use_curl_cabundle=True))
    try:
        distrustful.GetVersion()
    except rapi.CertificateError:
        return
    raise AssertionError("the certificate is trusted without its authority")


def main():
    host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    pycurl.global_init(pycurl.GLOBAL_ALL)
    c = connect(host, port, ca, username="admin", password="secret")
    for part in (cluster, nodes, groups, instances, disks, exports, moves, networks, filters, changes, jobs, queries):
        part(c)
        print(part.__name__, flush=True)
    rights(host, port, ca)
    known = {name for name in dir(rapi.GanetiRapiClient) if name[0].isupper() and name != "USER_AGENT"}
    equal(known - used, set())


main()
