package pods

// assigned says whether the pod has what it is to have for itself of the node, or plans to give it that, before anything of it is made: it
// may be refused still. To a pod that has run before it is given as its containers start.
func (d *decision) assigned() bool {
	if !d.Unassigned || len(d.Runtime.Sandboxes)+len(d.Runtime.Containers) > 0 {
		return true
	}
	if d.underWay(assignTask) {
		d.plan.Because("waiting to be given what it is to have for itself of the node")
	}
	d.judged = true
	d.do(&assign{"it is not let in before", underWay(d.underWay(assignTask))})
	return false
}
