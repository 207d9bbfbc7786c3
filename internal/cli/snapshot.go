package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
)

func newSnapshot(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Save the state of the control plane in a file, and put it back",
		Long: `Save the state of the control plane in a file, and put it back. A snapshot has every
object, and the keys without which they are of no use: whoever can read the file can
do everything. 'orrery up' takes one twice a day by itself, and keeps five.`,
		Example: `  orrery snapshot save
  orrery snapshot list
  orrery snapshot kubectl FILE get pods -A
  orrery down && orrery snapshot restore FILE && orrery up
  orrery snapshot restore FILE --namespace shop`,
	}
	c.AddCommand(newSnapshotSave(t), newSnapshotList(t), newSnapshotVerify(), newSnapshotKubectl(t), newSnapshotRestore(t))
	return c
}

func newSnapshotSave(t *target) *cobra.Command {
	var (
		dir         string
		withoutKeys bool
		format      printer.Format
	)
	c := &cobra.Command{
		Use:   "save",
		Short: "Take a snapshot, whether or not the control plane runs",
		Long: `Take a snapshot, whether or not the control plane runs, and print where it is. It is a tar
archive, compressed by zstd, and readable by you alone: etcd.db in it is what 'etcdctl
snapshot save' writes.

Without keys it can be restored only where the keys of this control plane are.`,
		Example: `  orrery snapshot save
  orrery snapshot save --dir /mnt/backup
  orrery snapshot save --without-keys -o json | jq -r .path`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(cmp.Or(dir, snapshotDir(inst)))
			if err != nil {
				return err
			}
			taken, err := saveSnapshot(c.Context(), inst, dir, !withoutKeys)
			if err != nil {
				return err
			}
			return printer.Print(c.OutOrStdout(), format, taken, func() printer.Table {
				return snapshotTable([]snapshot.Snapshot{taken}, time.Now())
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "`directory` to put it into; by default snapshots in the instance's own")
	c.Flags().BoolVar(&withoutKeys, "without-keys", false, "leave out the keys, which are then yours to keep: those that sign and the one that Secrets are encrypted with")
	format.AddFlag(c)
	markPaths(c.Flags(), "dir")
	return c
}

// saveSnapshot has the instance take a snapshot of itself, or takes one of its store while it does not run.
func saveSnapshot(ctx context.Context, inst *instance.Instance, dir string, withKeys bool) (taken snapshot.Snapshot, err error) {
	if inst.Running() {
		return taken, inst.TakeSnapshot(ctx, dir, withKeys, &taken)
	}
	if !inst.Exists() {
		return taken, notRunning(inst)
	}
	lock, err := inst.Acquire(ctx)
	if err != nil {
		return taken, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	held, err := etcd.Acquire(serverDir(inst))
	if err != nil {
		return taken, err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	store, err := etcd.Start(ctx, etcd.Options{Dir: apiserver.EtcdDir(serverDir(inst)), Logger: logr.Discard()})
	if err != nil {
		return taken, err
	}
	defer func() { err = errors.Join(err, store.Stop()) }()
	return snapshot.Take(ctx, snapshotSource(inst, store.Endpoint(), withKeys), dir, time.Now())
}

func newSnapshotList(t *target) *cobra.Command {
	var (
		dir    string
		format printer.Format
	)
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the snapshots of the control plane, the newest first",
		Example: `  orrery snapshot list
  orrery snapshot list --dir /mnt/backup -o json | jq -r '.[0].path'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			list, damaged := snapshot.List(cmp.Or(dir, snapshotDir(inst)), inst.Name)
			if list == nil {
				list = []snapshot.Snapshot{}
			}
			return errors.Join(printer.Print(c.OutOrStdout(), format, list, func() printer.Table { return snapshotTable(list, time.Now()) }), damaged)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "`directory` to look in; by default snapshots in the instance's own")
	format.AddFlag(c)
	markPaths(c.Flags(), "dir")
	return c
}

func newSnapshotVerify() *cobra.Command {
	var format printer.Format
	c := &cobra.Command{
		Use:     "verify FILE",
		Short:   "Say whether a snapshot is whole",
		Long:    `Read a snapshot whole, and compare every file in it with its checksum. The exit code is 1 unless all is as it was written.`,
		Example: `  orrery snapshot verify /mnt/backup/orrery-20261130T120000Z.tar.zst`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := snapshot.Verify(args[0])
			if err != nil {
				return err
			}
			return printer.Print(c.OutOrStdout(), format, s, func() printer.Table { return snapshotTable([]snapshot.Snapshot{s}, time.Now()) })
		},
	}
	format.AddFlag(c)
	return c
}

func snapshotTable(list []snapshot.Snapshot, now time.Time) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "INSTANCE"}, {Name: "AGE"}, {Name: "SIZE"}, {Name: "REVISION"}, {Name: "KEYS"}, {Name: "VERSION"}, {Name: "PATH"},
	}}
	for _, s := range list {
		keys := "with"
		if !s.WithKeys {
			keys = "without"
		}
		table.Rows = append(table.Rows, []string{
			s.Name, duration.HumanDuration(now.Sub(s.Taken)), humanize.IBytes(uint64(s.Bytes)),
			fmt.Sprint(s.Revision), keys, s.Version, s.Path,
		})
	}
	return table
}
