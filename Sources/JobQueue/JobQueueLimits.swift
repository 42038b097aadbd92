/// Every bound of this module, in one place.
package enum JobQueueLimits {
}
