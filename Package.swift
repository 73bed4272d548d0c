// swift-tools-version:6.2
import Foundation
import PackageDescription

/// Set by `make` for what is shipped: the C libraries are linked in, so that the programs start on any glibc host.
let staticLibraries = ProcessInfo.processInfo.environment["PORTCULLIS_STATIC"] == "1"

func libraries(_ names: String...) -> [LinkerSetting] {
    names.map { .linkedLibrary(staticLibraries ? ":lib\($0).a" : $0) }
}

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let feed: TargetDependencyCondition? = .when(traits: ["Feed"])
let nri: TargetDependencyCondition? = .when(traits: ["NRI"])
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "portcullis",
    products: [
        .executable(name: "portcullisd", targets: ["portcullisd"]),
        .executable(name: "portcullis", targets: ["portcullis"]),
        .executable(name: "portcullis-hook", targets: ["portcullis-hook"]),
        .library(name: "HookWire", targets: ["HookWire"]),
        .library(name: "Core", targets: ["Core"]),
        .executable(name: "portcullis-feed", targets: ["portcullis-feed"]),
        .executable(name: "portcullis-nri", targets: ["portcullis-nri"]),
    ],
    // What needs packages of some size: without its trait none of them is fetched or built, and the program only says so.
    traits: [
        .trait(name: "Feed", description: "portcullis-feed, with gRPC"), .trait(name: "NRI", description: "portcullis-nri, with Protocol Buffers"),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    ],
    targets: [
        // C: declarations and what Swift cannot import. No logic.
        .systemLibrary(name: "CLibBPF", path: "Sources/CPortcullis/LibBPF/include"),
        .systemLibrary(name: "CLibSeccomp", path: "Sources/CPortcullis/LibSeccomp/include"),
        .systemLibrary(name: "CLibYAML", path: "Sources/CPortcullis/LibYAML/include"),
        .target(name: "CABI", path: "Sources/CPortcullis/ABI", cSettings: strictC),
        .target(name: "CObjects", path: "Sources/CPortcullis/Objects", cSettings: strictC),
        .target(name: "CLinux", path: "Sources/CPortcullis/Linux", cSettings: strictC),
        .target(name: "CHookSystem", path: "Sources/CPortcullis/HookSystem", cSettings: strictC),

        // Swift, each room depending on the ones above it only.
        .target(name: "HookWire", path: "Sources/HookWire", swiftSettings: strict),
        .target(
            name: "Core", dependencies: ["HookWire", "CLibYAML", "CLibSeccomp", "CABI"], path: "Sources/Core", swiftSettings: strict,
            linkerSettings: libraries("yaml", "seccomp")),
        .target(
            name: "Kernel", dependencies: ["Core", "CABI", "CLibBPF", "CObjects", "CLinux"], path: "Sources/Kernel",
            swiftSettings: strict, linkerSettings: libraries("bpf", "elf", "z")),
        .executableTarget(
            name: "portcullis-hook", dependencies: ["HookWire", "CHookSystem"], path: "Sources/Hook", swiftSettings: strict),
        // The wrapper of a runtime, for Docker. It has the hook's line, options and connection.
        .target(name: "RuntimeWrapper", dependencies: ["HookWire"], path: "Sources/Runtime/Library", swiftSettings: strict),
        .executableTarget(
            name: "portcullis-runtime", dependencies: ["RuntimeWrapper", "HookWire", "CHookSystem"], path: "Sources/Runtime/Program", swiftSettings: strict),
        .target(name: "LineLog", dependencies: ["Core", .product(name: "Logging", package: "swift-log")], path: "Sources/LineLog", swiftSettings: strict),
        .target(
            name: "Daemon", dependencies: ["Core", "Kernel", "HookWire", "LineLog", "Replay", "CLinux", "CLibSeccomp", "CABI", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Daemon/Library", swiftSettings: strict),
        .executableTarget(
            name: "portcullisd", dependencies: ["Daemon"], path: "Sources/Daemon/Program", swiftSettings: strict),
        // What asks the daemon.
        .target(name: "Client", dependencies: ["Core", "CLinux"], path: "Sources/Client", swiftSettings: strict),
        .target(name: "Replay", dependencies: ["Core", "HookWire", "CLinux"], path: "Sources/Replay", swiftSettings: strict),
        .executableTarget(
            name: "portcullis",
            dependencies: ["Client", "Core", "HookWire", "Replay", "CLinux", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources/CLI", swiftSettings: strict),

        .target(
            name: "FeedProtocol",
            dependencies: [
                .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: feed), .product(name: "GRPCCore", package: "grpc-swift-2", condition: feed),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf", condition: feed),
            ],
            path: "Sources/Feed/Generated"),
        .executableTarget(
            name: "portcullis-feed",
            dependencies: [
                "Client", "Core", "FeedProtocol", "CLinux", .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport", condition: feed),
                .product(name: "NIOCore", package: "swift-nio", condition: feed), .product(name: "NIOPosix", package: "swift-nio", condition: feed),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: feed),
                .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Feed/Program", swiftSettings: strict),

        // The plugin for NRI: what is pure, the messages, the program.
        .target(name: "NRI", dependencies: ["Core", "HookWire"], path: "nri/Library", swiftSettings: strict),
        .target(
            name: "NRIProtocol", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf", condition: nri)], path: "nri/Generated"),
        .executableTarget(
            name: "portcullis-nri",
            dependencies: [
                "NRI", "Core", "HookWire", "LineLog", "CLinux", "NRIProtocol", .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: nri),
                .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "nri/Program", swiftSettings: strict,
            // By the target and not by the command line: the rest is built once for this program and the feed, which is not static.
            linkerSettings: staticLibraries ? [.unsafeFlags(["-static-executable"])] : []),

        // Tests: the first six need neither root nor a kernel feature.
        .testTarget(name: "HookWireTests", dependencies: ["HookWire"], path: "Tests/unit/HookWireTests"),
        .testTarget(name: "CoreTests", dependencies: ["Core", "HookWire", "CABI"], path: "Tests/unit/CoreTests"),
        .testTarget(
            name: "HookTests", dependencies: ["Core", "HookWire", "TestSupport", "portcullis-hook"], path: "Tests/unit/HookTests"),
        .testTarget(name: "NRITests", dependencies: ["NRI", "Core", "HookWire"], path: "Tests/unit/NRITests"),
        .testTarget(
            name: "RuntimeTests", dependencies: ["RuntimeWrapper", "HookWire", "TestSupport", "portcullis-runtime"], path: "Tests/unit/RuntimeTests"),
        .testTarget(name: "KernelTests", dependencies: ["Kernel", "CABI", "CObjects", "CLibBPF"], path: "Tests/unit/KernelTests"),
        .testTarget(name: "DaemonTests", dependencies: ["Daemon", "Core", "HookWire", "TestSupport"], path: "Tests/unit/DaemonTests"),
        // For `make bench`: what the compiler makes of policies, as a file.
        .executableTarget(name: "policy-set-image", dependencies: ["Core"], path: "Tests/bench/image", swiftSettings: strict),
        // With root, real containers and this machine's kernel.
        .testTarget(name: "HostTests", dependencies: ["Core", "HookWire", "Kernel", "CABI", "CLibBPF", "TestSupport", "CTestSupport"], path: "Tests/host", exclude: ["containerd", "docker", "podman"]),
        .target(name: "TestSupport", dependencies: ["HookWire"], path: "Tests/support/Swift", swiftSettings: strict),
        .target(name: "CTestSupport", path: "Tests/support/C", cSettings: strictC),
        // For `make fuzz`. It sees what is internal: a release build needs -enable-testing.
        .executableTarget(
            name: "fuzz", dependencies: ["NRI", "Core", "HookWire", "RuntimeWrapper", "Daemon", "Kernel", "CABI", "CHookSystem"], path: "Tests/fuzz"),
        .executableTarget(name: "compile-bench", dependencies: ["Core"], path: "Tests/bench/compile", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
