package nodevolumelimits

import storagev1 "k8s.io/api/storage/v1"

// identity tells volumes of a driver apart. A volume that does not exist yet goes by the claim that it is for.
type identity struct{ driver, handle, claim string }

// set is volumes that are attached, or are to be.
type set map[identity]bool

// add puts in what counts on a node. The first volume that cannot be told is an error.
func (s set) add(volumes []attachable, csiNode *storagev1.CSINode) error {
	for _, volume := range volumes {
		if volume.migrated && csiNode == nil {
			continue // Nothing there has taken the old plugin's place.
		}
		if volume.err != nil {
			return volume.err
		}
		s[volume.id] = true
	}
	return nil
}

func (s set) without(others set) set {
	rest := set{}
	for volume := range s {
		if !others[volume] {
			rest[volume] = true
		}
	}
	return rest
}

func (s set) byDriver() map[string]int {
	counts := map[string]int{}
	for volume := range s {
		counts[volume.driver]++
	}
	return counts
}

// limitsOf returns how many volumes a node's drivers can attach. A driver that is not in it has no limit.
func limitsOf(csiNode *storagev1.CSINode) map[string]int {
	if csiNode == nil {
		return nil
	}
	limits := map[string]int{}
	for _, driver := range csiNode.Spec.Drivers {
		if driver.Allocatable != nil && driver.Allocatable.Count != nil {
			limits[driver.Name] = int(*driver.Allocatable.Count)
		}
	}
	return limits
}

func registered(driver string, csiNode *storagev1.CSINode) bool {
	if csiNode == nil {
		return false
	}
	for i := range csiNode.Spec.Drivers {
		if csiNode.Spec.Drivers[i].Name == driver {
			return true
		}
	}
	return false
}
