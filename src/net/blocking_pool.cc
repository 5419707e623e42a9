#include "net/blocking_pool.h"

namespace skep::net {

void BlockingPool::Post(std::function<void()> work) { boost::asio::post(pool_, std::move(work)); }

void BlockingPool::Join() { pool_.join(); }

}  // namespace skep::net
