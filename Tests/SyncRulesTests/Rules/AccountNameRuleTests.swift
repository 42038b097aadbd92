import SyncRules
import Testing

/// Accounts by name, where only one side has unique names (R72).
@Suite struct AccountNameRuleTests {
    @Test func R72_freeNameIsTakenAsItIs() {
        #expect(
            AccountNameRules.place(name: " Acme ", recordID: "001000000AbCdEf", holder: nil) == .create(name: "Acme"))
        #expect(AccountNameRules.place(name: "  ", recordID: "001", holder: nil) == .unnamed)
    }

    @Test func R72_unlinkedAccountOfTheNameIsReused() {
        #expect(AccountNameRules.place(name: "Acme", recordID: "001", holder: (5, false)) == .reuse(accountID: 5))
    }

    @Test func R72_linkedAccountOfTheNameMakesASuffixThatNeverFlowsBack() {
        let id = "001000000AbCdEf"
        #expect(
            AccountNameRules.place(name: "Acme", recordID: id, holder: (5, true)) == .create(name: "Acme (SF AbCdEf)"))
        #expect(AccountNameRules.salesforceName(of: "Acme (SF AbCdEf)", recordID: id) == "Acme")
        #expect(AccountNameRules.salesforceName(of: "Acme (SF zzzzzz)", recordID: id) == "Acme (SF zzzzzz)")
    }

    @Test func R72_longNameKeepsItsSuffix() {
        let name = String(repeating: "x", count: 300)
        let placement = AccountNameRules.place(name: name, recordID: "001000000AbCdEf", holder: (5, true))
        guard case .create(let made) = placement else { return #expect(Bool(false)) }
        #expect(made.count == SyncRulesLimits.accountNameLength)
        #expect(made.hasSuffix(" (SF AbCdEf)"))
    }
}
