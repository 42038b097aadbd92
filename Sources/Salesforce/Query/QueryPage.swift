import Drivers
import Foundation

/// One page of a query's result.
package struct QueryPage: Sendable, Hashable {
    /// The page's records; how many is the server's choice, up to 2,000.
    package var records: [SalesforceRecord]
    /// Whether this was the last page.
    package var isDone: Bool
    /// Path of the next page, to be followed as it is; nil on the last.
    package var nextRecordsURL: String?
    /// Records of the whole result.
    package var totalSize: Int

    /// Makes a page.
    package init(records: [SalesforceRecord], isDone: Bool, nextRecordsURL: String? = nil, totalSize: Int) {
        self.records = records
        self.isDone = isDone
        self.nextRecordsURL = nextRecordsURL
        self.totalSize = totalSize
    }

    /// Reads the answer of `/query`; nil when it is not one. A page that is not done and names no successor is not
    /// one either: taking it for the end would lose what follows.
    init?(_ json: JSONValue) {
        guard let list = json["records"]?.array, let isDone = json["done"]?.bool else { return nil }
        var records: [SalesforceRecord] = []
        records.reserveCapacity(list.count)
        for element in list {
            guard let object = element.object else { return nil }
            records.append(SalesforceRecord(object))
        }
        let next = json["nextRecordsUrl"]?.string
        guard isDone || next != nil else { return nil }
        self.init(
            records: records, isDone: isDone, nextRecordsURL: isDone ? nil : next,
            totalSize: json["totalSize"]?.int ?? records.count)
    }
}
