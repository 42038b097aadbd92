import Cluster
import Crypto
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SealedSecretTests {
    let secret = Data("an API key, not a real one".utf8)

    @Test func opensForItsTenantOnly() throws {
        let key = PrivateSealingKey()
        let sealed = try SealedSecret(sealing: secret, tenant: "acme", to: key.publicKey)
        #expect(try sealed.open(tenant: "acme", keys: [key]) == secret)
        #expect(throws: SealingError.notForThisTenant) { try sealed.open(tenant: "globex", keys: [key]) }
    }

    @Test func opensWithAnOlderKeyAfterRotation() throws {
        let old = PrivateSealingKey()
        let sealed = try SealedSecret(sealing: secret, tenant: "acme", to: old.publicKey)
        #expect(try sealed.open(tenant: "acme", keys: [PrivateSealingKey(), old]) == secret)
        #expect(throws: SealingError.unknownKey(old.publicKey.id)) {
            try sealed.open(tenant: "acme", keys: [PrivateSealingKey()])
        }
    }

    @Test func namesItsKeyAndHidesTheSecret() throws {
        let key = PrivateSealingKey()
        let sealed = try SealedSecret(sealing: secret, tenant: "acme", to: key.publicKey)
        #expect(sealed.text.hasPrefix("ferry1.\(key.publicKey.id)."))
        #expect(!sealed.text.contains("API"))
        #expect(!"\(key)".contains(key.exposedText))
    }

    @Test func refusesWhatIsNotABlob() {
        for text in ["", "ferry1", "ferry1.abc.def", "ferry2.00000000.AAAA", "a secret in the clear"] {
            #expect(throws: SealingError.malformedBlob) {
                try SealedSecret(text: text).open(tenant: "acme", keys: [PrivateSealingKey()])
            }
        }
    }

    @Test func alteredBytesDoNotOpen() throws {
        let key = PrivateSealingKey()
        let sealed = try SealedSecret(sealing: secret, tenant: "acme", to: key.publicKey)
        var parts = sealed.text.split(separator: ".").map(String.init)
        var blob = try #require(Data(base64URL: parts[2]))
        blob[blob.count - 1] ^= 1
        parts[2] = blob.base64URL
        let altered = SealedSecret(text: parts.joined(separator: "."))
        #expect(throws: SealingError.notForThisTenant) { try altered.open(tenant: "acme", keys: [key]) }
    }

    @Test func keysSurviveTheirTextForm() throws {
        let key = PrivateSealingKey()
        let read = try PrivateSealingKey(key.exposedText)
        #expect(read.publicKey.id == key.publicKey.id)
        #expect(try PublicSealingKey(key.publicKey.text).id == key.publicKey.id)
        #expect(throws: SealingError.malformedKey) { try PublicSealingKey(key.exposedText) }
    }
}
