package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/rounds"
)

// The kubelet's defaults.
const (
	DefaultMaxSize  = 10 << 20
	DefaultMaxFiles = 5
	monitorPeriod   = 10 * time.Second
)

// Runtime is what the manager asks of a container runtime.
type Runtime interface {
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	// ReopenContainerLog has the runtime open the log file of a running container anew.
	ReopenContainerLog(ctx context.Context, id string) error
}

// Manager rotates the logs below one directory, in which each pod has a directory, and in it each container.
type Manager struct {
	Dir     string
	Runtime Runtime
	// MaxSize is the size in bytes beyond which a log is rotated, and MaxFiles how many files there are of one instance at most, with
	// the one that is written to; two at least. Zero stands for the defaults.
	MaxSize  int64
	MaxFiles int
	// Every is how often the logs are looked at; 10 s by default.
	Every time.Duration
	Clock clock.Clock
	Log   logr.Logger
}

// Run looks at the logs now and then, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	rounds.Rounds{Every: cmp.Or(m.Every, monitorPeriod), What: "Rotating the logs of containers", Clock: m.Clock, Log: m.Log}.Run(ctx, m.Look)
}

// Look looks at all logs once. One that cannot be rotated holds up no other.
func (m *Manager) Look(ctx context.Context) error {
	containers, err := filepath.Glob(filepath.Join(m.Dir, "*", "*"))
	if err != nil {
		return fmt.Errorf("looking for logs below %s: %w", m.Dir, err)
	}
	var errs []error
	for _, dir := range containers {
		files, err := os.ReadDir(dir)
		if err != nil {
			continue // the pod is gone by now
		}
		newest := newestInstance(files)
		for _, file := range files {
			instance, current := instanceOf(file.Name())
			switch {
			case instance < 0:
			case instance < newest-1: // of the instances before the newest one, only the last can be asked for
				errs = append(errs, ignoreMissing(os.Remove(filepath.Join(dir, file.Name()))))
			case current && m.large(file):
				errs = append(errs, m.rotate(ctx, filepath.Join(dir, file.Name()), instance))
			}
		}
	}
	return errors.Join(errs...)
}

func (m *Manager) large(file os.DirEntry) bool {
	info, err := file.Info()
	return err == nil && info.Mode().IsRegular() && info.Size() > m.maxSize()
}

func (m *Manager) maxSize() int64 {
	if m.MaxSize > 0 {
		return m.MaxSize
	}
	return DefaultMaxSize
}

func (m *Manager) maxFiles() int {
	if m.MaxFiles > 0 {
		return max(m.MaxFiles, 2)
	}
	return DefaultMaxFiles
}

// instanceOf is the number of the instance of whose log a file is a part, and whether it is the part that is written to; -1 if it is
// no log.
func instanceOf(name string) (instance int, current bool) {
	number, rest, found := strings.Cut(name, ".log")
	instance, err := strconv.Atoi(number)
	if !found || err != nil || instance < 0 {
		return -1, false
	}
	return instance, rest == ""
}

func newestInstance(files []os.DirEntry) int {
	newest := -1
	for _, file := range files {
		instance, _ := instanceOf(file.Name())
		newest = max(newest, instance)
	}
	return newest
}

// running is the ID of the instance that writes a log; "" if it does not run.
func (m *Manager) running(ctx context.Context, log string, instance int) (string, error) {
	container := filepath.Base(filepath.Dir(log))
	pod := filepath.Base(filepath.Dir(filepath.Dir(log)))
	found, err := m.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{
		State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
		LabelSelector: map[string]string{
			cri.LabelPodUID: pod[strings.LastIndex(pod, "_")+1:], cri.LabelContainerName: container,
		},
	})
	if err != nil {
		return "", fmt.Errorf("looking for who writes %s: %w", log, err)
	}
	for _, c := range found {
		if c.GetState() == runtimeapi.ContainerState_CONTAINER_RUNNING && c.GetAnnotations()[cri.AnnotationRestartCount] == strconv.Itoa(instance) {
			return c.GetId(), nil
		}
	}
	return "", nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
