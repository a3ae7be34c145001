#!/usr/bin/python3
"""Sends the requests of sipgate's Ansible modules for Ganeti, in their order and with the bodies that these have.

  ansible_requests.py HOST PORT CA_FILE

Written after what the modules send and match, for a server with a new cluster of two simulated nodes. Ends with status 0 when
every state that a playbook may ask for is reached; else with the failed assertion."""
import sys

import pycurl
from ganeti.rapi import client as rapi

ABSENT = "404 Not Found: Nothing matches the given URI"
NAME = "homer.example.com"


def done(c, job):
    assert c.WaitForJobCompletion(job, period=0.01, retries=2000), c.GetJobStatus(job)


def look(c):
    """The instance, or None where the text of the error is the one that stands for its absence."""
    try:
        return c.GetInstance(NAME)
    except rapi.GanetiApiError as error:
        assert ABSENT in str(error), str(error)
        return None


def create(c, **changes):
    """Every option is sent, those that a playbook leaves out as null."""
    body = {
        "__version__": 1,
        "beparams": {"memory": 512, "minmem": 512, "maxmem": 512, "vcpus": 1},
        "disk_template": "file",
        "hypervisor": "fake",
        "iallocator": "hail",
        "name": NAME,
        "os_type": "noop",
        "pnode": None,
        "snode": None,
        "mode": "create",
        "conflicts_check": True,
        "ip_check": True,
        "name_check": True,
        "no_install": None,
        "wait_for_sync": True,
        "tags": ["web"],
        "group_name": None,
        "disks": [{"size": 1024, "name": "root", "mode": "rw"}],
        "nics": [{"mode": "bridged", "link": "br0", "name": "lan", "mac": "generate"}],
        **changes,
    }
    done(c, c.CreateInstance(**body))


def modify(c, **changes):
    body = {"beparams": {}, "hotplug": False, "conflicts_check": True, "wait_for_sync": True, **changes}
    done(c, c.ModifyInstance(instance=NAME, **body))


def present(c):
    assert look(c) is None
    create(c)
    found = look(c)
    assert found["status"] == "running", found["status"]
    assert found["beparams"]["vcpus"] == 1 and found["beparams"]["maxmem"] == 512, found["beparams"]
    assert found["disk.sizes"] == [1024], found["disk.sizes"]
    assert found["tags"] == ["web"], found["tags"]
    # What is asked again must be found unchanged, or a playbook changes it at each run.
    for key, value in {"mode": "bridged", "link": "br0"}.items():
        assert found["custom_nicparams"][0][key] == value, found["custom_nicparams"]


def changed(c):
    modify(c, beparams={"vcpus": 2, "memory": 256, "minmem": 256, "maxmem": 256})
    modify(c, nics=[("add", 1, {"mode": "bridged", "link": "br1"})])
    modify(c, nics=[("modify", 1, {"link": "br2"})])
    found = look(c)
    assert found["beparams"]["vcpus"] == 2 and found["beparams"]["maxmem"] == 256, found["beparams"]
    assert found["custom_nicparams"][1]["link"] == "br2", found["custom_nicparams"]
    modify(c, nics=[("remove", 1, {})])
    done(c, c.AddInstanceTags(NAME, ["db"]))
    done(c, c.DeleteInstanceTags(NAME, ["web"]))
    done(c, c.GrowInstanceDisk(NAME, 0, 1024, wait_for_sync=True))
    found = look(c)
    assert len(found["custom_nicparams"]) == 1 and found["tags"] == ["db"], found
    assert found["disk.sizes"] == [2048], found["disk.sizes"]
    done(c, c.ShutdownInstance(NAME))
    modify(c, disks=[("add", 1, {"size": 128, "name": "data"})])
    assert look(c)["disk.sizes"] == [2048, 128]
    assert found["pnode"] in c.GetGroup(c.GetGroups()[0])["node_list"]


def states(c):
    assert look(c)["status"] == "ADMIN_down"
    done(c, c.StartupInstance(NAME))
    assert look(c)["status"] == "running"
    done(c, c.RebootInstance(NAME))
    done(c, c.ShutdownInstance(NAME))
    done(c, c.RenameInstance(NAME, "bart.example.com", True, True))
    assert look(c) is None
    done(c, c.RenameInstance("bart.example.com", NAME, True, True))


def absent(c):
    done(c, c.DeleteInstance(NAME))
    assert look(c) is None


def failing(c):
    """A job that fails is shown with its log and its summary."""
    job = c.CreateInstance("create", NAME, "file", [{"size": 1024}], [], os_type="nosuch", pnode="node1.example.com")
    assert not c.WaitForJobCompletion(job, period=0.01, retries=2000)
    status = c.GetJobStatus(job)
    assert isinstance(status["oplog"], list) and status["summary"] == [f"INSTANCE_CREATE({NAME})"], status


def main(host, port, ca):
    pycurl.global_init(pycurl.GLOBAL_ALL)
    config = rapi.GenericCurlConfig(cafile=ca, verify_hostname=True, timeout=60)
    c = rapi.GanetiRapiClient(host, port=int(port), curl_config_fn=config, username="admin", password="secret")
    for state in [present, changed, states, absent, failing]:
        state(c)
        print(state.__name__)


main(*sys.argv[1:])
