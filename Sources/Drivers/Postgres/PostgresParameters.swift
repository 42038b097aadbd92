import CLibpq

/// The parameters of one statement in the shape libpq wants: parallel arrays of types, pointers, lengths and formats.
struct PostgresParameters {
    private var types: [Oid] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []

    init(_ values: [PostgresValue]) {
        for value in values {
            types.append(value.type.rawValue)
            formats.append(value.isBinary ? 1 : 0)
            lengths.append(Int32(value.bytes?.count ?? 0))
            offsets.append(value.bytes == nil ? nil : bytes.count)
            bytes.append(contentsOf: value.bytes ?? [])
            // Text-format parameters are C strings; a zero after every value costs nothing.
            bytes.append(0)
        }
    }

    /// Queues a prepare; false when libpq refuses.
    func sendPrepare(_ handle: PostgresHandle, name: String, sql: String) -> Bool {
        types.withUnsafeBufferPointer { types in
            PQsendPrepare(handle.raw, name, sql, Int32(types.count), types.baseAddress) == 1
        }
    }

    /// Queues the run of a prepared statement, with binary results; false when libpq refuses.
    func sendExecute(_ handle: PostgresHandle, name: String) -> Bool {
        withPointers { pointers in
            PQsendQueryPrepared(handle.raw, name, Int32(pointers.count), pointers.baseAddress, lengths, formats, 1) == 1
        }
    }

    /// Queues a statement that is not kept; false when libpq refuses.
    func sendQuery(_ handle: PostgresHandle, sql: String) -> Bool {
        withPointers { pointers in
            PQsendQueryParams(
                handle.raw, sql, Int32(pointers.count), types, pointers.baseAddress, lengths, formats, 1) == 1
        }
    }

    /// libpq copies the values while it queues them, so the pointers need to live no longer than `body`.
    private func withPointers(_ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Bool) -> Bool {
        bytes.withUnsafeBytes { raw in
            let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { offset in base.map { $0 + offset } } }
            return pointers.withUnsafeBufferPointer(body)
        }
    }
}
