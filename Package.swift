// swift-tools-version: 6.3
import PackageDescription

/// Strict in every target: warnings are errors, existentials and imports are spelled out,
/// and nothing hops executors unless it says so.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "ferry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "ferry", targets: ["ferry"]),
        .executable(name: "bench", targets: ["Bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        // MARK: - C libraries
        // hiredis.pc carries a -D flag that SwiftPM warns about, so it is linked by its module map alone.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),

        // MARK: - Rooms
        .target(
            name: "Drivers",
            dependencies: [
                "CHiredis", "CLibpq", "CCurl",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict),
        .target(
            name: "JobQueue",
            dependencies: ["Drivers"],
            resources: [.embedInCode("Lua")],
            swiftSettings: strict),
        .target(name: "ActiveCampaign", dependencies: ["Drivers"], swiftSettings: strict),
        .target(
            name: "Salesforce",
            dependencies: ["Drivers", .product(name: "JWTKit", package: "jwt-kit")],
            swiftSettings: strict),
        .target(
            name: "SyncRules",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        .target(
            name: "Store",
            dependencies: [
                "Drivers", "SyncRules", .product(name: "Crypto", package: "swift-crypto"),
            ],
            resources: [.embedInCode("Migrations")],
            swiftSettings: strict),
        .target(
            name: "Cluster",
            dependencies: [
                "Drivers", "JobQueue", "Store", "ActiveCampaign", "Salesforce", "SyncRules",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(name: "Embedded", swiftSettings: strict),
        .target(
            name: "Simulators",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "ferry",
            dependencies: [
                "Drivers", "JobQueue", "ActiveCampaign", "Salesforce", "SyncRules", "Store",
                "Cluster", "Embedded", "Simulators",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Drivers", "JobQueue", "Store", "Cluster", "ActiveCampaign", "SyncRules", "Embedded", "Simulators",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Queue/Peers"],
            swiftSettings: strict),

        // MARK: - Tests
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "DriversTests", dependencies: ["Drivers", "Embedded", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "JobQueueTests", dependencies: ["JobQueue", "Drivers", "Embedded", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "Drivers", "SyncRules", "Embedded"], swiftSettings: strict),
        .testTarget(
            name: "ActiveCampaignTests", dependencies: ["ActiveCampaign", "Drivers", "Simulators", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "SalesforceTests", dependencies: ["Salesforce", "Drivers", "Simulators", "TestSupport"],
            swiftSettings: strict),
        .testTarget(name: "SyncRulesTests", dependencies: ["SyncRules", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "SimulatorsTests",
            dependencies: [
                "Simulators",
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "Cluster", "Drivers", "JobQueue", "Store", "ActiveCampaign", "Salesforce",
                "SyncRules", "Embedded", "Simulators", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "FerryTests",
            dependencies: [
                "ferry", "Cluster", "Drivers", "Embedded", "JobQueue", "Simulators", "Store", "SyncRules",
            ],
            exclude: ["RealClients"],
            swiftSettings: strict),
        .testTarget(
            name: "TidyTests", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: strict),
    ]
)
