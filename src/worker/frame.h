// A frame of rows under construction: one block of memory that begins with room for the frame's
// header and goes to the socket as it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "ipc/messages.h"

namespace skep::worker {

struct Frame {
  std::unique_ptr<char[]> data;
  size_t capacity = 0;
  size_t size = 0;  // with the header
  size_t sent = 0;

  static Frame WithRoom(size_t payload_bytes) {
    Frame frame;
    frame.capacity = ipc::kFrameHeader + payload_bytes;
    frame.data.reset(new char[frame.capacity]);  // not zeroed: that would cost a pass
    frame.size = ipc::kFrameHeader;
    return frame;
  }
  static Frame Copy(std::string_view encoded) {
    Frame frame;
    frame.capacity = frame.size = encoded.size();
    frame.data.reset(new char[frame.capacity]);
    std::memcpy(frame.data.get(), encoded.data(), encoded.size());
    return frame;
  }

  bool empty() const { return size <= ipc::kFrameHeader; }
  explicit operator bool() const { return data != nullptr; }
  void Clear() {
    size = ipc::kFrameHeader;
    sent = 0;
  }
  void Reserve(size_t more) {
    if (size + more <= capacity) return;
    capacity = std::max(capacity * 2, size + more);
    std::unique_ptr<char[]> grown(new char[capacity]);
    std::memcpy(grown.get(), data.get(), size);
    data = std::move(grown);
  }
  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    Reserve(bytes.size());
    std::memcpy(data.get() + size, bytes.data(), bytes.size());
    size += bytes.size();
  }
  // Writes the header: the payload is complete.
  void Seal(ipc::FrameType type) {
    const auto length = static_cast<uint32_t>(size - ipc::kFrameHeader);
    char* p = data.get();
    for (int i = 0; i < 4; i++) p[i] = static_cast<char>(length >> (8 * i));
    p[4] = static_cast<char>(type);
    p[5] = p[6] = p[7] = 0;
  }
};

}  // namespace skep::worker
