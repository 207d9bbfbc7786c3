package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/orrery-dev/orrery/nodeagent/userns"
)

// usersFile says, in the directory of a pod with users of its own, which IDs of the host these are; the kubelet's name and form.
const usersFile = "userns"

// usersRecord is what is in it.
type usersRecord struct {
	UIDs []idMapping `json:"uidMappings"`
	GIDs []idMapping `json:"gidMappings"`
}

type idMapping struct {
	HostID      uint32 `json:"hostId"`
	ContainerID uint32 `json:"containerId"`
	Length      uint32 `json:"length"`
}

// RecordUsers tells ranges which IDs the pods have that were here before. It is for the start of the agent: before it, no pod may get any.
func RecordUsers(rootDir string, ranges *userns.Ranges) error {
	files, err := filepath.Glob(filepath.Join(rootDir, podsDir, "*", usersFile))
	if err != nil {
		return fmt.Errorf("looking for the IDs of pods: %w", err)
	}
	for _, file := range files {
		has, err := readUsers(file)
		if err == nil {
			err = ranges.Record(filepath.Base(filepath.Dir(file)), has)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return nil
}

func readUsers(file string) (userns.Range, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return userns.Range{}, err
	}
	var record usersRecord
	if err := json.Unmarshal(text, &record); err != nil {
		return userns.Range{}, err
	}
	if len(record.UIDs) != 1 || len(record.GIDs) != 1 || record.UIDs[0] != record.GIDs[0] || record.UIDs[0].ContainerID != 0 {
		return userns.Range{}, errors.New("want one range, the same for users and groups, from 0 on in the pod")
	}
	return userns.Range{First: record.UIDs[0].HostID, Length: record.UIDs[0].Length}, nil
}

// ownUsers says whether a pod has users of its own.
func ownUsers(pod *corev1.Pod) bool { return pod.Spec.HostUsers != nil && !*pod.Spec.HostUsers }

// users are whose users and groups the pod's are. A range that is new is on the disk before anything is made with it.
func (h *Host) users(pod *corev1.Pod) (*runtimeapi.UserNamespace, error) {
	if !ownUsers(pod) || h.RootDir == "" {
		return &runtimeapi.UserNamespace{Mode: runtimeapi.NamespaceMode_NODE}, nil
	}
	if h.UserRanges == nil {
		return nil, errors.New("there are no IDs for pods with users of their own")
	}
	has, err := h.UserRanges.Take(string(pod.UID))
	if err != nil {
		return nil, fmt.Errorf("giving the pod IDs for users of its own: %w", err)
	}
	mapping := []idMapping{{HostID: has.First, Length: has.Length}}
	text, err := json.Marshal(usersRecord{UIDs: mapping, GIDs: mapping})
	if err != nil {
		return nil, fmt.Errorf("encoding the pod's IDs: %w", err)
	}
	file := filepath.Join(h.podDir(pod), usersFile)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		if err := durable.WriteFile(file, text, 0o600); err != nil {
			return nil, fmt.Errorf("writing the pod's IDs: %w", err)
		}
	}
	ids := []*runtimeapi.IDMapping{{HostId: has.First, Length: has.Length}}
	return &runtimeapi.UserNamespace{Mode: runtimeapi.NamespaceMode_POD, Uids: ids, Gids: ids}, nil
}

// mapMounts has what is mounted belong, to the pod, to those of its own users with the numbers that the host's have there.
func mapMounts(mounts []*runtimeapi.Mount, users *runtimeapi.UserNamespace) {
	for _, mount := range mounts {
		mount.UidMappings, mount.GidMappings = users.GetUids(), users.GetGids()
	}
}
