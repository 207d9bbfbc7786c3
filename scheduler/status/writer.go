package status

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// workers is how many reports are written at the same time.
const workers = 8

// Write writes a condition (nil: none) and a nomination (nil: none) into a pod's status.
type Write func(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error

// Writer writes reports. Its methods are safe for concurrent use.
type Writer struct {
	write Write

	mutex   sync.Mutex
	changed sync.Cond // a report has come or gone, or the writer is closed
	waiting []types.UID
	reports map[types.UID]*report
	closed  bool
}

// report is what is to be written into one pod's status.
type report struct {
	pod        *corev1.Pod
	condition  *corev1.PodCondition
	nominating *fwk.NominatingInfo
	queued     bool // it is among those that wait
	writing    bool // a request for the pod is under way
}

// NewWriter returns a Writer. Nothing is written before Run.
func NewWriter(write Write) *Writer {
	w := &Writer{write: write, reports: map[types.UID]*report{}}
	w.changed.L = &w.mutex
	return w
}

// Report notes what is to be written, and returns at once.
func (w *Writer) Report(pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	r := w.reports[pod.UID]
	if r == nil {
		r = &report{}
		w.reports[pod.UID] = r
	}
	r.pod = pod
	if condition != nil {
		r.condition = condition
	}
	if nominating != nil {
		r.nominating = nominating
	}
	if !r.queued && !r.writing {
		w.enqueue(r)
	}
}

func (w *Writer) enqueue(r *report) {
	r.queued = true
	w.waiting = append(w.waiting, r.pod.UID)
	w.changed.Broadcast()
}

// Flush waits until all reports on a pod are written, or until the Writer has ended.
func (w *Writer) Flush(uid types.UID) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for w.reports[uid] != nil && !w.closed {
		w.changed.Wait()
	}
}

// Run writes what is reported until ctx ends. What waits then is not written any more.
func (w *Writer) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.closed = true
		w.changed.Broadcast()
	})
	defer stop()
	var writing sync.WaitGroup
	for range workers {
		writing.Go(func() {
			for r := w.next(nil); r != nil; r = w.next(r) {
				w.send(ctx, r)
			}
		})
	}
	writing.Wait()
}

// written is what a worker takes out of a report.
type written struct {
	report     *report
	pod        *corev1.Pod
	condition  *corev1.PodCondition
	nominating *fwk.NominatingInfo
}

// next ends the request of the last report, and waits for another one. Nil means that the Writer is closed.
func (w *Writer) next(last *written) *written {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if last != nil {
		w.finish(last.report)
	}
	for len(w.waiting) == 0 && !w.closed {
		w.changed.Wait()
	}
	if w.closed {
		return nil
	}
	r := w.reports[w.waiting[0]]
	w.waiting = w.waiting[1:]
	taken := &written{report: r, pod: r.pod, condition: r.condition, nominating: r.nominating}
	r.queued, r.writing, r.condition, r.nominating = false, true, nil, nil
	return taken
}

// finish forgets a report that was written, unless more has come meanwhile.
func (w *Writer) finish(r *report) {
	r.writing = false
	if r.condition != nil || r.nominating != nil {
		w.enqueue(r)
		return
	}
	delete(w.reports, r.pod.UID)
	w.changed.Broadcast()
}

func (w *Writer) send(ctx context.Context, r *written) {
	err := w.write(ctx, r.pod, r.condition, r.nominating)
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		klog.FromContext(ctx).Error(err, "Pod's status could not be written", "pod", klog.KObj(r.pod))
	}
}
