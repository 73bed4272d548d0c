#if Feed
import FeedProtocol
import GRPCCore
import GRPCProtobuf
import SwiftProtobuf

import struct FoundationEssentials.Data

/// `grpc.reflection.v1`, and v1alpha with the same messages: what is served here, for clients like grpcurl.
struct ReflectionService: RegistrableRPCService {
    private let files: [String: [UInt8]]
    private let fileOfSymbol: [String: String]
    private let dependencies: [String: [String]]
    private let services: [String]

    /// - Throws: What swift-protobuf says of descriptors that are none.
    init() throws {
        let all = try Google_Protobuf_FileDescriptorSet(serializedBytes: fileDescriptorSet)
        var files: [String: [UInt8]] = [:], symbols: [String: String] = [:], dependencies: [String: [String]] = [:]
        var services: [String] = []
        for file in all.file {
            files[file.name] = try file.serializedBytes()
            dependencies[file.name] = file.dependency
            for message in file.messageType { symbols["\(file.package).\(message.name)"] = file.name }
            for enumeration in file.enumType { symbols["\(file.package).\(enumeration.name)"] = file.name }
            for service in file.service {
                let name = "\(file.package).\(service.name)"
                services.append(name)
                symbols[name] = file.name
                for method in service.method { symbols["\(name).\(method.name)"] = file.name }
            }
        }
        (self.files, fileOfSymbol, self.dependencies, self.services) = (files, symbols, dependencies, services.sorted())
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for package in ["grpc.reflection.v1", "grpc.reflection.v1alpha"] {
            router.registerHandler(
                forMethod: MethodDescriptor(fullyQualifiedService: "\(package).ServerReflection", method: "ServerReflectionInfo"),
                deserializer: ProtobufDeserializer<Grpc_Reflection_V1_ServerReflectionRequest>(),
                serializer: ProtobufSerializer<Grpc_Reflection_V1_ServerReflectionResponse>()
            ) { request, _ in
                StreamingServerResponse { writer in
                    for try await message in request.messages { try await writer.write(answer(message)) }
                    return [:]
                }
            }
        }
    }

    private func answer(_ request: Grpc_Reflection_V1_ServerReflectionRequest) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var response = Grpc_Reflection_V1_ServerReflectionResponse()
        response.validHost = request.host
        response.originalRequest = request
        switch request.messageRequest {
        case .listServices:
            response.listServicesResponse.service = services.map { name in
                var service = Grpc_Reflection_V1_ServiceResponse()
                service.name = name
                return service
            }
        case .fileByFilename(let name): describe(files[name] == nil ? nil : name, "file \(name)", &response)
        case .fileContainingSymbol(let symbol): describe(fileOfSymbol[symbol], "symbol \(symbol)", &response)
        default: describe(nil, "extension", &response)
        }
        return response
    }

    /// The file and all that it needs.
    private func describe(_ file: String?, _ wanted: String, _ response: inout Grpc_Reflection_V1_ServerReflectionResponse) {
        guard let file else {
            response.errorResponse.errorCode = Int32(RPCError.Code.notFound.rawValue)
            response.errorResponse.errorMessage = "there is no \(wanted)"
            return
        }
        var found = [file], at = 0
        while at < found.count {
            for name in dependencies[found[at]] ?? [] where !found.contains(name) { found.append(name) }
            at += 1
        }
        response.fileDescriptorResponse.fileDescriptorProto = found.compactMap { files[$0].map { $0.withUnsafeBytes { buffer in Data(buffer) } } }
    }
}
#endif
