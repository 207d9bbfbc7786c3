package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/snapshot"
	"github.com/orrery-dev/orrery/apiserver/snapshot/schedule"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/plane"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// noSchedule takes no snapshots by itself.
const noSchedule = "off"

// settingsKey is what a snapshot takes along besides the API server's keys: the addresses are in objects and in certificates.
const settingsKey = "settings.json"

// snapshotOptions are what a person can choose about the snapshots that are taken while a control plane runs.
type snapshotOptions struct {
	schedule string
	keep     int
	dir      string
}

func (o *snapshotOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.schedule, "snapshot-schedule", "0 */12 * * *", "`times` in the form of cron, or one such as \"@every 6h\", at which a snapshot of the embedded etcd is taken, with the keys to it; off for none")
	flags.IntVar(&o.keep, "snapshot-retention", 5, "`number` of snapshots to keep, the newest ones")
	flags.StringVar(&o.dir, "snapshot-dir", "", "`directory` for snapshots; by default snapshots in the instance's own, which goes with it")
	markPaths(flags, "snapshot-dir")
}

func (o *snapshotOptions) check(external bool) error {
	if external || o.schedule == noSchedule || o.schedule == "" {
		return nil
	}
	if _, err := schedule.New(schedule.Options{Schedule: o.schedule, Keep: o.keep}); err != nil {
		return fmt.Errorf("--snapshot-schedule, --snapshot-retention: %w", err)
	}
	return nil
}

// snapshotDir is where an instance's snapshots lie where nobody says another place.
func snapshotDir(inst *instance.Instance) string { return inst.Path("snapshots") }

// snapshotSource is an instance whose store is reached at an endpoint.
func snapshotSource(inst *instance.Instance, endpoint string, withKeys bool) snapshot.Source {
	source := snapshot.Source{
		Name:    inst.Name,
		Version: version.Get().Version,
		Etcd:    clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second},
		Root:    inst.Dir,
	}
	if withKeys {
		source.Keys = instanceKeys()
	}
	return source
}

// instanceKeys are the files of an instance that its store is of no use without, as paths below its directory.
func instanceKeys() []string {
	keys := []string{settingsKey}
	for _, key := range apiserver.Keys() {
		keys = append(keys, path.Join(serverName, key))
	}
	return keys
}

// snapshots takes those of the control plane that runs in this process, one at a time.
type snapshots struct {
	inst     *instance.Instance
	endpoint string
	taking   sync.Mutex
}

func (s *snapshots) take(ctx context.Context, dir string, withKeys bool) (snapshot.Snapshot, error) {
	s.taking.Lock()
	defer s.taking.Unlock()
	taken, err := snapshot.Take(ctx, snapshotSource(s.inst, s.endpoint, withKeys), dir, time.Now())
	if err == nil {
		measure(taken)
	}
	return taken, err
}

// measure tells of the newest snapshot in the metrics.
func measure(s snapshot.Snapshot) {
	registerSnapshotMetrics()
	lastSnapshot.Set(float64(s.Taken.Unix()))
	lastSnapshotSize.Set(float64(s.Bytes))
}

// What is measured of snapshots: whether they are taken at all is what an alert asks.
var (
	lastSnapshot = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "orrery_snapshot_last_taken_timestamp_seconds", Help: "When the newest snapshot of the instance was taken, in Unix time.",
	})
	lastSnapshotSize = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "orrery_snapshot_last_size_bytes", Help: "How large the newest snapshot of the instance is.",
	})
	registerSnapshotMetrics = sync.OnceFunc(func() { metrics.Registry.MustRegister(lastSnapshot, lastSnapshotSize) })
)

// snapshotComponents is the component that takes snapshots, on request and when they are due; none, where the store is somebody else's.
func (p *controlPlane) snapshotComponents() []plane.Component {
	if p.options.etcd.external() != nil {
		return nil
	}
	dir := cmp.Or(p.options.snapshots.dir, snapshotDir(p.inst))
	return []plane.Component{{
		Name:  snapshotsComponent,
		Needs: []string{apiserverComponent},
		Run:   func(ctx context.Context, ready func(string)) error { return p.runSnapshots(ctx, dir, ready) },
		Look:  func(c *instance.Component) { lookAtSnapshots(c, p.inst.Name, dir, time.Now()) },
	}}
}

func (p *controlPlane) runSnapshots(ctx context.Context, dir string, ready func(string)) error {
	s := &snapshots{inst: p.inst, endpoint: p.server.Storage().Endpoints[0]}
	inspected.snapshots.Store(s)
	defer inspected.snapshots.Store(nil)
	if list, _ := snapshot.List(dir, p.inst.Name); len(list) > 0 { // what is damaged is told by the status
		measure(list[0])
	}
	if p.options.snapshots.schedule == noSchedule {
		ready("on request")
		<-ctx.Done()
		return nil
	}
	loop, err := schedule.New(schedule.Options{
		Schedule: p.options.snapshots.schedule, Keep: p.options.snapshots.keep, Dir: dir, Name: p.inst.Name,
		Take: func(ctx context.Context) (snapshot.Snapshot, error) { return s.take(ctx, dir, true) },
	})
	if err != nil {
		return err
	}
	e := engine.New(loop, engine.Options[engine.One]{Name: snapshotsComponent, Registerer: metrics.Registry, Log: logger().WithName(snapshotsComponent)})
	inspected.of(snapshotsComponent)(engine.Inspect(e, engine.ParseOne))
	e.Wake(engine.One{})
	ready("at " + p.options.snapshots.schedule)
	e.Run(ctx)
	return nil
}

// lookAtSnapshots tells how old the newest snapshot is.
func lookAtSnapshots(c *instance.Component, name, dir string, now time.Time) {
	list, err := snapshot.List(dir, name)
	if err != nil {
		c.LastError = err.Error()
	}
	if len(list) > 0 && c.State == instance.Running {
		c.Detail += ", last " + duration.HumanDuration(now.Sub(list[0].Taken)) + " ago"
	}
}

// takeSnapshot answers as instance.SnapshotsPath says.
func (i *inspectedParts) takeSnapshot(w http.ResponseWriter, r *http.Request) {
	s := i.snapshots.Load()
	if s == nil {
		http.Error(w, "this instance stores its state in an etcd of yours: take a snapshot there, with etcdctl", http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	dir := query.Get("dir")
	if !filepath.IsAbs(dir) {
		http.Error(w, fmt.Sprintf("%q is no absolute path", dir), http.StatusBadRequest)
		return
	}
	taken, err := s.take(r.Context(), dir, query.Get("keys") == "true")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, taken)
}
