package volumes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// expandable says whether the node's part of an expansion is due: the volume has grown, and the claim waits for us.
func expandable(claim *corev1.PersistentVolumeClaim) bool {
	if claim == nil {
		return false
	}
	switch claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage] {
	case corev1.PersistentVolumeClaimNodeResizePending, corev1.PersistentVolumeClaimNodeResizeInProgress:
		return true
	default:
		return false
	}
}

// expand has the driver do the node's part of an expansion, and the claim say how far that has come. A volume that is not expanded while
// it is in use is no error: it is when it is mounted the next time.
func (m *csiMount) expand(ctx context.Context) error {
	if !expandable(m.claim) {
		return nil
	}
	defer m.locks.lock(m.Volume)()
	if err := m.say(ctx, inProgress); err != nil {
		return err
	}
	err := m.expandNow(ctx)
	switch {
	case err == nil:
		return m.say(ctx, func(s *corev1.PersistentVolumeClaimStatus) { expanded(s, m.capacity) })
	case csi.InUse(err):
		return m.say(ctx, func(s *corev1.PersistentVolumeClaimStatus) {
			notExpanded(s, err, metav1.NewTime(m.options.Clock.Now()))
		})
	case csi.Infeasible(err):
		return errors.Join(err, m.say(ctx, func(s *corev1.PersistentVolumeClaimStatus) {
			notExpanded(s, err, metav1.NewTime(m.options.Clock.Now()))
			setResize(s, corev1.PersistentVolumeClaimNodeResizeInfeasible)
		}))
	case csi.Final(err):
		return errors.Join(err, m.say(ctx, func(s *corev1.PersistentVolumeClaimStatus) {
			notExpanded(s, err, metav1.NewTime(m.options.Clock.Now()))
		}))
	default:
		return err // the driver may be at it still
	}
}

func (m *csiMount) expandNow(ctx context.Context) error {
	driver, err := m.options.CSI.driver(m.Driver)
	if err != nil {
		return err
	}
	expands, err := driver.Expands(ctx)
	if err != nil {
		return err
	}
	if !expands {
		return fmt.Errorf("NodeExpand is not supported by the CSI driver %s", m.Driver)
	}
	request := csi.Expand{
		Handle: m.Handle, VolumePath: m.options.CSI.targetPath(m.dir, &m.record), Use: m.use, Bytes: m.capacity.Value(),
	}
	stages, err := driver.Stages(ctx)
	if err != nil {
		return err
	}
	if stages {
		request.StagingPath = m.options.CSI.stagingPath(&m.record)
	}
	if request.Secrets, err = m.secretOf(ctx, "NodeExpandSecretRef", m.growSecret); err != nil {
		return err
	}
	return driver.Expand(ctx, request)
}

// say writes a change of the claim's status.
func (m *csiMount) say(ctx context.Context, change func(*corev1.PersistentVolumeClaimStatus)) error {
	changed := m.claim.DeepCopy()
	change(&changed.Status)
	written, err := m.options.Claims.WriteStatus(ctx, m.claim, changed)
	if err != nil {
		return fmt.Errorf("writing the status of claim %s/%s: %w", m.claim.Namespace, m.claim.Name, err)
	}
	m.claim = written
	return nil
}

// resizeConditions are those that are about a resize.
var resizeConditions = []corev1.PersistentVolumeClaimConditionType{
	corev1.PersistentVolumeClaimFileSystemResizePending, corev1.PersistentVolumeClaimResizing,
	corev1.PersistentVolumeClaimControllerResizeError, corev1.PersistentVolumeClaimNodeResizeError,
}

func inProgress(s *corev1.PersistentVolumeClaimStatus) {
	setResize(s, corev1.PersistentVolumeClaimNodeResizeInProgress)
}

func setResize(s *corev1.PersistentVolumeClaimStatus, to corev1.ClaimResourceStatus) {
	if s.AllocatedResourceStatuses == nil {
		s.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{}
	}
	s.AllocatedResourceStatuses[corev1.ResourceStorage] = to
}

// expanded is the end of a resize.
func expanded(s *corev1.PersistentVolumeClaimStatus, capacity resource.Quantity) {
	if s.Capacity == nil {
		s.Capacity = corev1.ResourceList{}
	}
	s.Capacity[corev1.ResourceStorage] = capacity
	delete(s.AllocatedResourceStatuses, corev1.ResourceStorage)
	s.Conditions = slices.DeleteFunc(s.Conditions, func(c corev1.PersistentVolumeClaimCondition) bool {
		return slices.Contains(resizeConditions, c.Type)
	})
}

// notExpanded says why a resize has not come to its end. Once said it stands, with the words of the first time.
func notExpanded(s *corev1.PersistentVolumeClaimStatus, err error, now metav1.Time) {
	said := func(c corev1.PersistentVolumeClaimCondition) bool {
		return c.Type == corev1.PersistentVolumeClaimNodeResizeError && c.Status == corev1.ConditionTrue
	}
	if slices.ContainsFunc(s.Conditions, said) {
		return
	}
	s.Conditions = append(s.Conditions, corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimNodeResizeError, Status: corev1.ConditionTrue, LastTransitionTime: now,
		Message: fmt.Sprintf("failed to expand pvc with %v", err),
	})
}
