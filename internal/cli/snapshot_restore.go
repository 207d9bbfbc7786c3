package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
)

// serverName is the directory of the API server in an instance's.
const serverName = "apiserver"

// storePath is where in an instance's directory its etcd is.
const storePath = serverName + "/etcd"

func newSnapshotRestore(t *target) *cobra.Command {
	var one namespaceRestore
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put back a snapshot, or one namespace of it",
		Long: `Put a snapshot in the place of what a stopped control plane stores, on this machine or
another, under this name or another. All of it is verified first. What was there is moved
aside and kept, and is yours to remove.

The next 'orrery up' goes on from the snapshot: pods that were made after it are stopped,
and clients that watched list anew. On another machine the old node stays as one that
nobody hears of, until you remove it with 'orrery kubectl delete node'.

With --namespace, restore that one, or some kinds of objects in it, into a cluster that runs:
the instance, or any other by --kubeconfig. What exists stays as it is, unless --overwrite
is given. What controllers make again is left to them: ReplicaSets and pods of a Deployment,
EndpointSlices, tokens. Each object is asked of the cluster as you, so that your rights, its
admission and its quotas hold. --dry-run says what would become of each object, and why.

The data of volumes is in no snapshot. Claims are bound to volumes that still exist, and are
otherwise provisioned anew and empty; --rebind-volumes is for those that were retained.

A restore that failed in part goes on when the same command is run again; the exit code is 1
unless it is whole. One that is whole does nothing.`,
		Example: `  orrery down && orrery snapshot restore /mnt/backup/orrery-20261130T120000Z.tar.zst && orrery up
  orrery snapshot restore FILE --namespace shop --dry-run
  orrery snapshot restore FILE --namespace shop --rebind-volumes
  orrery snapshot restore FILE --namespace shop --into shop-yesterday
  orrery snapshot restore FILE -n shop --kinds configmaps,secrets -l app=web --overwrite
  orrery snapshot restore FILE -n shop --dry-run -o json | jq -r '.steps[] | .kind + "/" + .name'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := one.check(c.Flags().Changed); err != nil {
				return err
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if one.namespace != "" {
				return one.run(c, t, inst, args[0])
			}
			return printRestored(c, inst, args[0])
		},
	}
	one.addFlags(c)
	return c
}

// printRestored restores all of a snapshot, and says where what was there is now.
func printRestored(c *cobra.Command, inst *instance.Instance, file string) error {
	s, aside, err := restoreSnapshot(c.Context(), inst, file, time.Now())
	if err != nil {
		return err
	}
	c.Printf("instance %s is as instance %s was at %s\n", inst.Name, s.Name, s.Taken.Local().Format(time.RFC1123))
	if aside != "" {
		c.Printf("what it stored before is in %s\n", aside)
	}
	c.Printf("go on with '%s'\n", inst.Command("up"))
	return nil
}

// restoring is where a snapshot is unpacked. While it exists a restore has not come to its end, and nothing is started.
func restoring(inst *instance.Instance) string { return inst.Path("restoring") }

// restoreInterrupted says that a restore was interrupted when what was there had been moved aside or was just going to be.
func restoreInterrupted(inst *instance.Instance) error {
	if _, err := os.Stat(restoring(inst)); err != nil {
		return nil //nolint:nilerr // there was none
	}
	return fmt.Errorf("a restore of instance %s was interrupted: do it again with '%s'", inst.Name, inst.Command("snapshot restore FILE"))
}

// restoreSnapshot puts a snapshot in the place of what a stopped instance stores, and returns where that is now; empty if there was nothing.
func restoreSnapshot(ctx context.Context, inst *instance.Instance, file string, now time.Time) (s snapshot.Snapshot, aside string, err error) {
	if inst.Running() {
		return s, "", fmt.Errorf("instance %s is running (process %d): stop it first with '%s'", inst.Name, inst.PID(), inst.Command("down"))
	}
	if s, err = snapshot.Verify(file); err != nil {
		return s, "", err
	}
	if !s.WithKeys {
		if err := hasKeys(inst); err != nil {
			return s, "", fmt.Errorf("%s was taken without keys, and instance %s has not all of them: %w", file, inst.Name, err)
		}
	}
	if err := inst.Prepare(); err != nil {
		return s, "", err
	}
	lock, err := inst.Acquire(ctx)
	if err != nil {
		return s, "", err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	aside, err = replaceState(inst, file, s, now)
	return s, aside, err
}

// replaceState moves what is stored aside once the snapshot is unpacked beside it. Where that is interrupted, doing it again goes on.
func replaceState(inst *instance.Instance, file string, s snapshot.Snapshot, now time.Time) (aside string, err error) {
	staged := restoring(inst)
	if err := os.RemoveAll(staged); err != nil { // of one that was interrupted
		return "", err
	}
	if _, err := snapshot.Restore(file, staged, storePath); err != nil {
		return "", err
	}
	if !s.WithKeys {
		if err := copyKeys(inst, staged); err != nil {
			return "", errors.Join(err, os.RemoveAll(staged))
		}
	}
	where := inst.Path("before-restore-" + now.UTC().Format("20060102T150405Z"))
	for _, name := range []string{serverName, settingsKey} {
		moved, err := moveAside(inst.Path(name), where)
		if err == nil {
			err = os.Rename(filepath.Join(staged, name), inst.Path(name))
		}
		if err != nil {
			return "", fmt.Errorf("putting %s in its place: %w", name, err)
		}
		if moved {
			aside = where
		}
	}
	return aside, os.RemoveAll(staged)
}

// moveAside moves a file or directory into another, if it exists.
func moveAside(from, into string) (bool, error) {
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := os.MkdirAll(into, 0o700); err != nil {
		return false, err
	}
	return true, os.Rename(from, filepath.Join(into, filepath.Base(from)))
}

// hasKeys says which of the keys an instance lacks that a store cannot be used without.
func hasKeys(inst *instance.Instance) error {
	for _, key := range instanceKeys() {
		if _, err := os.Stat(inst.Path(filepath.FromSlash(key))); err != nil && path.Base(key) != "encryption.yaml" {
			return err
		}
	}
	return nil
}

// copyKeys copies those of an instance.
func copyKeys(inst *instance.Instance, to string) error {
	for _, key := range instanceKeys() {
		content, err := os.ReadFile(inst.Path(filepath.FromSlash(key)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		target := filepath.Join(to, filepath.FromSlash(key))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(target), 0o700)
		}
		if err == nil {
			err = os.WriteFile(target, content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copying the keys: %w", err)
		}
	}
	return nil
}
