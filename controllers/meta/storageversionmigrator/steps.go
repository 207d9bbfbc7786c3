package storageversionmigrator

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// page is how many objects are listed at once.
	page = 500
	// attempts are how often an object is written of which the server says, wrongly, that it has changed.
	attempts = 5
)

// migrate writes anew all objects of a kind that are older than the migration, side by side, and says in the status of the migration
// how that went. Nobody waits for it.
type migrate struct {
	migration *migration
	kind      *kinds.Kind
}

var _ engine.Task[plan.Actor] = (*migrate)(nil)

// Task is about this run of the migration.
func (s *migrate) Task() string {
	return fmt.Sprintf("migrate %s %s", s.migration.UID, s.migration.Status.ResourceVersion)
}

// Verb is "migrate".
func (s *migrate) Verb() string { return "migrate" }

// Why is the migration.
func (s *migrate) Why() string { return "StorageVersionMigration " + s.migration.Name + " asks for it" }

func (s *migrate) String() string {
	return fmt.Sprintf("write %s anew that are not newer than %s", s.kind.GroupVersionResource().GroupResource(), s.migration.Status.ResourceVersion)
}

// Do migrates. Its error is what is to be tried again.
func (s *migrate) Do(ctx context.Context, act plan.Actor) error {
	old, total, err := s.older(ctx, act.Live())
	if err != nil {
		return err
	}
	left, err := s.writeAll(ctx, act, old)
	now := act.Now()
	switch {
	case err == nil:
		return s.report(ctx, act, with(s.migration, now, running(message(0, total, nil)), succeeded()))
	case ctx.Err() != nil:
		return err // called off
	case passing(err):
		if reportErr := s.report(ctx, act, with(s.migration, now, running(message(left, total, err)))); reportErr != nil {
			return fmt.Errorf("%w; and saying so: %w", err, reportErr)
		}
		return err
	default:
		said := fmt.Sprintf("%d/%d not yet migrated. migration encountered unhandled error: %s", left, total, err)
		return s.report(ctx, act, with(s.migration, now, running(message(left, total, nil)), failed(said)))
	}
}

// older are the objects that are not newer than the migration, and how many there are at all.
func (s *migrate) older(ctx context.Context, live client.Reader) (old []metav1.PartialObjectMetadata, total int, err error) {
	next := ""
	for {
		list := listOf(s.kind)
		if err := live.List(ctx, list, client.Limit(page), client.Continue(next)); err != nil {
			return nil, 0, fmt.Errorf("listing %s to migrate: %w", s.kind.GroupVersionResource().GroupResource(), err)
		}
		for i := range list.Items {
			if !s.newer(&list.Items[i]) {
				old = append(old, s.named(&list.Items[i]))
			}
		}
		total += len(list.Items)
		if next = list.Continue; next == "" {
			return old, total, nil
		}
	}
}

// newer reports that an object has been written since the migration began. What cannot be compared counts as older.
func (s *migrate) newer(obj client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(obj.GetResourceVersion(), s.migration.Status.ResourceVersion)
	return err == nil && order > 0
}

// named is as much of an object as there has to be remembered.
func (s *migrate) named(obj client.Object) metav1.PartialObjectMetadata {
	named := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: obj.GetNamespace(), Name: obj.GetName(), ResourceVersion: obj.GetResourceVersion(),
	}}
	named.SetGroupVersionKind(s.kind.GroupVersionKind)
	return named
}

// writeAll writes objects side by side until one cannot be written. It returns how many are left.
func (s *migrate) writeAll(ctx context.Context, act plan.Actor, objs []metav1.PartialObjectMetadata) (left int, err error) {
	var written atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(act.SideBySide())
	for i := range objs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := s.write(ctx, act, &objs[i]); err != nil {
				return err
			}
			written.Add(1)
			return nil
		})
	}
	err = group.Wait()
	return len(objs) - int(written.Load()), err
}

// write writes an object as it is, unless somebody has since the migration began, or it is gone.
func (s *migrate) write(ctx context.Context, act plan.Actor, obj *metav1.PartialObjectMetadata) error {
	var err error
	for range attempts {
		answer := s.named(obj)
		err = act.Patch(ctx, &answer, client.RawPatch(types.MergePatchType, s.nothing(obj)), act.FieldOwner())
		answer.ManagedFields = nil // the loop remembers what it wrote, which may be a lot
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case !apierrors.IsConflict(err):
			return err
		}
		now, readErr := s.read(ctx, act.Live(), obj)
		if readErr != nil || now == nil || s.newer(now) {
			return readErr
		}
		obj.ResourceVersion = now.ResourceVersion
	}
	return err
}

// nothing is a patch that changes nothing of an object, if it is as it was.
func (s *migrate) nothing(obj client.Object) []byte {
	return fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"metadata":{"resourceVersion":%q}}`,
		s.kind.GroupVersion().String(), s.kind.Kind, obj.GetResourceVersion())
}

// read is an object as the server has it; nil if it is gone. It is asked for by a list, since nothing here may get objects.
func (s *migrate) read(ctx context.Context, live client.Reader, obj client.Object) (*metav1.PartialObjectMetadata, error) {
	list := listOf(s.kind)
	err := live.List(ctx, list, client.InNamespace(obj.GetNamespace()), client.MatchingFields{"metadata.name": obj.GetName()})
	if err != nil || len(list.Items) == 0 {
		return nil, err
	}
	return &list.Items[0], nil
}

// report writes the status of the migration.
func (s *migrate) report(ctx context.Context, act plan.Actor, wanted *migration) error {
	wanted = wanted.DeepCopy()
	if err := act.Status().Patch(ctx, wanted, plan.Locked(act, s.migration, wanted), act.FieldOwner()); err != nil {
		return fmt.Errorf("writing the status of StorageVersionMigration %s: %w", wanted.Name, err)
	}
	return nil
}

// passing reports that an error is one that time will mend.
func passing(err error) bool {
	return utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err) || utilnet.IsProbableEOF(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.IsConflict(err)
}
