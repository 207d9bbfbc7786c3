package volumes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// recordFile is the kubelet's name for what is written down of a volume of a pod.
const recordFile = "vol_data.json"

// record is what is written down of a volume of a CSI driver before anything is done about it, and removed when all that was done is
// undone. So what is on the disk is what there is to be undone, whatever the agent knows. Its first six fields are the kubelet's; all are
// strings, as its are.
type record struct {
	Name       string `json:"specVolID"`
	Handle     string `json:"volumeHandle"`
	Driver     string `json:"driverName"`
	Node       string `json:"nodeName"`
	Attachment string `json:"attachmentID"`
	Lifecycle  string `json:"volumeLifecycleMode"`
	// Mode is Block for a device.
	Mode string `json:"volumeMode,omitempty"`
	// InUse is yes if the node's status is to say that the volume is.
	InUse string `json:"inUse,omitempty"`
	// Untouched is yes while the driver was not asked for anything.
	Untouched string `json:"untouched,omitempty"`
}

const yes = "true"

func (c *CSI) recordOf(v *csiVolume, inUse bool) record {
	r := record{
		Name: v.name, Handle: v.Handle, Driver: v.Driver, Node: c.Node, Attachment: v.Attachment(c.Node), Lifecycle: string(v.lifecycle()),
		Untouched: yes,
	}
	if v.use.Block {
		r.Mode = string(corev1.PersistentVolumeBlock)
	}
	if inUse {
		r.InUse = yes
	}
	return r
}

func (r *record) volume() csi.Volume { return csi.Volume{Driver: r.Driver, Handle: r.Handle} }
func (r *record) block() bool        { return r.Mode == string(corev1.PersistentVolumeBlock) }
func (r *record) inline() bool       { return r.Lifecycle == string(storagev1.VolumeLifecycleEphemeral) }

// write puts the record into a pod's directory: whole or not at all, and there after a power failure.
func (r *record) write(d disk, dir string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the record of volume %s: %w", r.Name, err)
	}
	place := filepath.Join(dir, ofPod, r.Name)
	path := filepath.Join(place, recordFile)
	err = d.MkdirAll(place, 0o750)
	if err == nil {
		err = d.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = d.Sync(path + ".new")
	}
	if err == nil {
		err = d.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("writing the record of volume %s: %w", r.Name, err)
	}
	return nil
}

// remove ends the record, and with it what is left of the volume in the pod's directory: nothing but the record may be there.
func (r *record) remove(d disk, dir string) error {
	place := filepath.Join(dir, ofPod, r.Name)
	for _, path := range []string{filepath.Join(place, recordFile+".new"), filepath.Join(place, recordFile), place} {
		if err := d.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the record of volume %s: %w", r.Name, err)
		}
	}
	return nil
}

// readRecord reads the record of a volume; nil if there is none.
func readRecord(dir, name string) (*record, error) {
	text, err := os.ReadFile(filepath.Join(dir, ofPod, name, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	r := &record{}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record of volume %s: %w", name, err)
	}
	return r, nil
}

// recordsIn are those in a pod's directory. A volume whose record never came to be has left a directory, and nothing to undo.
func recordsIn(dir string) ([]record, error) {
	entries, err := os.ReadDir(filepath.Join(dir, ofPod))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the CSI volumes of a pod: %w", err)
	}
	var found []record
	for _, entry := range entries {
		r, err := readRecord(dir, entry.Name())
		if err != nil {
			return nil, err
		}
		if r != nil {
			found = append(found, *r)
		}
	}
	return found, nil
}

// records are those of all pods, by their directories.
func (c *CSI) records() (map[string][]record, error) {
	pods, err := os.ReadDir(filepath.Join(c.Root, podsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	found := map[string][]record{}
	for _, pod := range pods {
		dir := filepath.Join(c.Root, podsDir, pod.Name())
		records, err := recordsIn(dir)
		if err != nil {
			return nil, err
		}
		if len(records) > 0 {
			found[dir] = records
		}
	}
	return found, nil
}

// others says whether another pod than the one of a directory has a volume, or is about to.
func (c *CSI) others(dir string, volume csi.Volume) (bool, error) {
	all, err := c.records()
	if err != nil {
		return false, err
	}
	delete(all, dir)
	for _, records := range all {
		for i := range records {
			if records[i].volume() == volume {
				return true, nil
			}
		}
	}
	return false, nil
}
