import SyncRules
import Testing

/// What a link remembers of either side, without a value (R58, T10, T12).
@Suite struct FingerprintTests {
    private let projection = Projection(values: [
        "A": .text("x"), "B": .empty, "C": .checkbox(true), "D": .number("1"), "E": .date("2024-01-01"),
        "F": .options(["a", "b"]), "G": .absent, "H": .unreadable("?"),
    ])

    @Test func storedFormComesBackWhole() {
        var fingerprint = Fingerprint(projection)
        fingerprint.owe(["A", "Z"])
        #expect(Fingerprint(stored: fingerprint.stored) == fingerprint)
        #expect(fingerprint.stored.count == 1 + 8 * 10, "seven fields with a value, one owed")
        #expect(Fingerprint(stored: Fingerprint().stored) == Fingerprint())
    }

    @Test func storedFormOfAnotherVersionOrLengthIsRefused() {
        let stored = Fingerprint(projection).stored
        #expect(Fingerprint(stored: [UInt8]()) == nil)
        #expect(Fingerprint(stored: [9] + stored.dropFirst()) == nil)
        #expect(Fingerprint(stored: stored.dropLast()) == nil)
        #expect(Fingerprint(stored: [1] + [UInt8](repeating: 0, count: 10 * (SyncRulesLimits.mappedFields + 1))) == nil)
    }

    @Test func changedFieldsAreThoseWhoseValueIsAnother() {
        let fingerprint = Fingerprint(projection)
        #expect(fingerprint.changedFields(in: projection).isEmpty)
        var other = projection
        other.values["A"] = .text("y")
        other.values["C"] = .empty
        other.values["D"] = .absent
        other.values["N"] = .empty
        other.values["O"] = .text("new")
        #expect(fingerprint.changedFields(in: other) == ["A", "C", "O"])
    }

    @Test(arguments: [
        (FieldValue.text("1"), FieldValue.number("1")), (.text("true"), .checkbox(true)),
        (.text("2024-01-01"), .date("2024-01-01")), (.text("a"), .options(["a"])), (.text("?"), .unreadable("?")),
    ])
    func T12_sameLettersOfAnotherTypeAreAnotherValue(left: FieldValue, right: FieldValue) {
        let fingerprint = Fingerprint(Projection(values: ["A": left]))
        #expect(!fingerprint.agrees(with: right, in: "A"))
        #expect(fingerprint.agrees(with: left, in: "A"))
    }

    @Test func T26_neverSeenAgreesWithBlankOnly() {
        let none = Fingerprint()
        #expect(none.agrees(with: .empty, in: "A"))
        #expect(none.agrees(with: .checkbox(false), in: "A"))
        #expect(none.agrees(with: .absent, in: "A"))
        #expect(!none.agrees(with: .text("x"), in: "A"))
        #expect(none.isBlank("A"))
        #expect(Fingerprint(projection).isBlank("B"))
        #expect(!Fingerprint(projection).isBlank("A"))
    }

    @Test func R55_owedFieldIsOutstandingUntilItIsRecorded() {
        var fingerprint = Fingerprint(projection)
        fingerprint.owe(["A", "Z"])
        #expect(fingerprint.owes("A") && fingerprint.owes("Z") && !fingerprint.owes("C"))
        #expect(fingerprint.changedFields(in: projection).isEmpty, "owing is no change")
        var read = projection
        read.values["Z"] = .empty
        #expect(fingerprint.outstandingFields(in: read) == ["A", "Z"])
        fingerprint.record(read)
        #expect(fingerprint.outstandingFields(in: read).isEmpty)
    }

    @Test func partialReadLeavesTheRestAsKnown() {
        var fingerprint = Fingerprint(projection)
        fingerprint.record(Projection(values: ["A": .text("y"), "C": .absent]))
        #expect(fingerprint.agrees(with: .text("y"), in: "A"))
        #expect(fingerprint.agrees(with: .checkbox(true), in: "C"))
    }

    @Test func descriptionTellsNothingOfTheValues() {
        let one = Fingerprint(Projection(values: ["A": .text("secret")])).description
        #expect(one.count == 8)
        #expect(one == Fingerprint(Projection(values: ["A": .text("secret")])).description)
        #expect(one != Fingerprint(Projection(values: ["A": .text("other")])).description)
    }

    @Test(arguments: [" Ann@X.Example ", "ann@x.example", "ANN@X.EXAMPLE\n"])
    func T32_oneNormaliserForEveryAddress(text: String) throws {
        let email = try #require(EmailAddress(text))
        #expect(email.normalized == "ann@x.example")
        #expect(email.localPart == "ann")
        #expect(email.hash == EmailAddress("ann@x.example")?.hash)
        #expect(email.hash.count == 16)
    }

    @Test(arguments: ["", " ", "ann", "@x", "ann@", "a b@x.example"])
    func R7_whatIsNoAddressIsNone(text: String) { #expect(EmailAddress(text) == nil) }

    @Test func T32_composedAndDecomposedAddressesAreOne() {
        #expect(EmailAddress("jos\u{E9}@x.example")?.hash == EmailAddress("jose\u{301}@x.example")?.hash)
    }
}
