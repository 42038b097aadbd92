import Cluster
import Foundation
import JobQueue
import Store
import Testing

@Suite struct CallForecastTests {
    private func purse(_ limit: Int, spent: Int, returning: [Int] = []) -> BudgetReport {
        BudgetReport(
            provider: .salesforce, terms: BudgetTerms(dailyCalls: limit), spent: spent, reserved: 0, unknown: 0,
            sinceOrgUse: 0, resumes: [:], returning: returning)
    }

    @Test func nothingRunsOutWhereAsMuchComesBackAsIsSpent() {
        let steady = CallForecast(
            purse(1_000, spent: 240, returning: .init(repeating: 10, count: 25)), usedLastDay: 240)
        #expect(steady.fits)
        #expect(steady.hoursToNoBackfill == nil && steady.hoursToSpent == nil)
        #expect(steady.left == 760)
    }

    @Test func stepsAreMetInTheirOrderAtTheHourOfThePace() throws {
        // A hundred an hour, nothing comes back for a day: 600 after 6 hours, 900 after 9, 1,000 after 10.
        let forecast = CallForecast(
            purse(1_000, spent: 0, returning: .init(repeating: 0, count: 24)), usedLastDay: 2_400)
        #expect(!forecast.fits)
        #expect(abs(try #require(forecast.hoursToNoBackfill) - 6) < 0.001)
        #expect(abs(try #require(forecast.hoursToUrgentOnly) - 9) < 0.001)
        #expect(abs(try #require(forecast.hoursToSpent) - 10) < 0.001)
    }

    @Test func whatIsAskedAboutCountsOnTop() throws {
        let quiet = purse(1_000, spent: 100, returning: .init(repeating: 4, count: 25))
        let once = CallForecast(quiet, usedLastDay: 100, extraOnce: 600)
        #expect(once.hoursToNoBackfill == 0)
        #expect(once.left == 300)
        #expect(!CallForecast(quiet, usedLastDay: 100, extraADay: 900).fits)
    }

    @Test func costsFollowTheSizesOfCalls() {
        #expect(CallCosts.schedule(.salesforce, intervalHours: 1) == 24)
        #expect(CallCosts.schedule(.salesforce, intervalHours: 24) == 1)
        #expect(CallCosts.backfill(.salesforce, records: 100_000) == 50 + 100)
        #expect(CallCosts.backfill(.activeCampaign, records: 100_001) == 2 * 401 + 1_001)
    }

    // MARK: - Terms

    private func limit(_ daily: Int) -> ProviderLimit {
        ProviderLimit(dailyLimit: daily, used: 0, others: 0, usualOthers: 0, readAt: .distantPast)
    }

    @Test func shareIsOfTheLimitThatWasTold() {
        let row = ApiBudget(provider: .salesforce, dailyShare: 0.25, orgCeilingShare: 0.8)
        #expect(BudgetTerms(row, limit: limit(200_000)) == BudgetTerms(dailyCalls: 50_000, orgCeiling: 160_000))
    }

    @Test func untilThenItIsOfTheEditionsOrTheSmallestLimit() {
        // salesforce-api 3.1: 100,000 and 1,000 a licence, 5,000 from Unlimited on; Developer has 15,000.
        let enterprise = ApiBudget(provider: .salesforce, dailyShare: 0.5, edition: .enterprise, licences: 15)
        #expect(BudgetTerms(enterprise, limit: nil) == BudgetTerms(dailyCalls: 57_500, orgCeiling: 103_500))
        let unlimited = ApiBudget(provider: .salesforce, dailyShare: 0.5, edition: .unlimited, licences: 15)
        #expect(BudgetTerms(unlimited, limit: nil).dailyCalls == 87_500)
        #expect(BudgetTerms(enterprise, limit: limit(10)).dailyCalls == 5)
        let unknown = ApiBudget(provider: .salesforce, dailyShare: 0.1)
        #expect(BudgetTerms(unknown, limit: nil) == BudgetTerms(dailyCalls: 1_500, orgCeiling: nil))
    }

    @Test func activeCampaignHasNoDayOfItsOwn() {
        let row = ApiBudget(provider: .activeCampaign, dailyShare: 0.5)
        #expect(BudgetTerms(row, limit: nil) == BudgetTerms(dailyCalls: 216_000, orgCeiling: nil))
    }
}
