import Foundation

/// The three result files of an ingest job: what was written, what failed, what was never tried.
struct BulkReport {
    private let job: BulkJob

    init(_ job: BulkJob) {
        self.job = job
    }

    /// `sf__Id`, `sf__Created`, then the columns as uploaded.
    var successes: Data {
        report(["sf__Id", "sf__Created"]) { outcome in
            outcome.error == nil ? [outcome.id, outcome.isCreated ? "true" : "false"] : nil
        }
    }

    /// `sf__Id`, `sf__Error`, then the columns as uploaded.
    var failures: Data {
        report(["sf__Id", "sf__Error"]) { outcome in outcome.error.map { [outcome.id, $0] } }
    }

    /// The rows after the last that was tried, as uploaded.
    var unprocessed: Data {
        var writer = DelimitedWriter(job.format)
        var reader = DelimitedReader(job.upload, format: job.format)
        guard let header = try? reader.row() else { return Data() }
        writer.write(header)
        if job.position > 0 { reader = DelimitedReader(job.upload, format: job.format, at: job.position) }
        while let row = try? reader.row() { writer.write(row) }
        return Data(writer.bytes)
    }

    private func report(_ names: [String], _ columns: (BulkOutcome) -> [String]?) -> Data {
        var writer = DelimitedWriter(job.format)
        writer.write(names + job.columns)
        for outcome in job.outcomes {
            guard let added = columns(outcome) else { continue }
            var reader = DelimitedReader(job.upload, format: job.format, at: outcome.position)
            let row = (try? reader.row()) ?? []
            writer.write(added + row)
        }
        return Data(writer.bytes)
    }
}
